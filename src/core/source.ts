import { DEAD } from './delivery.js';
import { nameFault, viewOf, type Decoded, type EventHeaders, type EventView } from './event.js';
import type { Report } from './problem.js';

/** An HTTP request as verifiers see it: header names in lower case, repeated headers as Node joins them. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The received bytes, unchanged. */
  readonly body: Buffer;
}

/** Is it authentic? `secretIndex` says which of the source's secrets matched; `detail` is for the log, never for the sender. */
export type Verdict = { readonly authentic: true; readonly secretIndex: number | null } | { readonly authentic: false; readonly detail: string };

/** Never throws, whatever the headers hold; compares in constant time. */
export type Verify = (request: SignedRequest, nowMs: number) => Verdict;

/** What has to be told to whoever sets a sender up. */
export interface Setup {
  /** How it proves that it is the sender, one sentence a line. */
  readonly sender: readonly string[];
  /** Headers as a shell that has `SECRET`, `BODY` and `T` (Unix time in seconds) fills them in, inside double quotes. */
  readonly headers: readonly string[];
}

/** A kind of verifier: one file, one line in kinds.ts, one contract test. */
export interface VerifierKind<Config = never> {
  readonly type: string;
  readonly description: string;
  /** TypeBox schema of the keys beside `type`. */
  readonly schema: object;
  /** Reports what a schema cannot see: an empty or placeholder secret. Paths are relative to `verify`. */
  prepare(config: Config, report: Report): Verify;
  /** How long a captured request stays valid, in ms: the dedup window must not be shorter. Null: for ever. */
  replayMs(config: Config): number | null;
  /** How to set its sender up, and how curl passes. `sent`: the headers that a request has beside. Holds no secret. */
  setup(config: Config, sent: EventHeaders): Setup;
}

/** What a body says, or one plain line of why it cannot be read. */
export type Decoding = { readonly ok: true; readonly event: Decoded } | { readonly ok: false; readonly detail: string };

/** A kind of format: one file, one line in kinds.ts, one contract test. */
export interface FormatKind<Config = never> {
  readonly type: string;
  readonly description: string;
  /** TypeBox schema of the keys beside `type`. */
  readonly schema: object;
  /** JSON Schema (draft 7) of an event's bytes, for whoever gets them from a sink: it asks no more than `decode` does. Absent: they may be anything. */
  readonly payload?: object;
  prepare(config: Config): Format;
  /** Reads events whose source is not configured any more, as far as it can; a type it cannot tell is ''. */
  readonly bare: Format;
}

/** How the bodies of a source are read. Pure and total. */
export interface Format {
  readonly type: string;
  /** The headers it reads: names in lower case, with a `*` at the end all that begin so. They are kept with the event. */
  readonly headers: readonly string[];
  /** The bytes of each event in a body that holds a list of them; null: it does not. Absent: no body does. */
  readonly cut?: (body: Buffer) => readonly Buffer[] | null;
  /** Reads one event. `headers`: those it names. */
  decode(body: Buffer, headers: EventHeaders): Decoding;
  /** A request with an event of this id, for whoever tries a source. */
  sample(id: string): { readonly body: string; readonly headers: EventHeaders };
  /** What stands in a sender's form, where it has one for its bodies. `title` says what it is. */
  readonly template?: { readonly title: string; readonly text: string };
}

/** The bytes of each event of a request, in the order of its body. */
export function eventsIn({ cut }: Format, body: Buffer): readonly Buffer[] {
  return cut?.(body) ?? [body];
}

/** What of a request's headers is kept with its events. */
export function keptHeaders({ headers: names }: Format, headers: SignedRequest['headers']): EventHeaders {
  const kept: Record<string, string> = {};
  if (names.length === 0) return kept;
  for (const [name, value] of Object.entries(headers)) {
    const isRead = names.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
    if (isRead && value !== undefined) kept[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return kept;
}

/** When events of a source are one and the same. */
export interface Dedup {
  /** What they go by in the place of their sender's id; null: that. Gives null, or throws, where there is nothing to go by. */
  readonly key: ((event: EventView) => string | null) | null;
  readonly windowMs: number;
  /** What becomes of an event that has nothing to go by: refused and kept as a dead letter, or known by the hash of its body. */
  readonly missingId: 'reject' | 'hash';
}

/** A source, as far as it reads bodies. */
export interface ReadingSource {
  readonly name: string;
  readonly format: Format;
  readonly dedup: Dedup;
}

/** What a source makes of a body: an event and the id it goes by (`hasId`: not a hash), or why it is a dead letter; its `type` is '' where that cannot be read. */
export type Identified =
  | { readonly ok: true; readonly event: Decoded; readonly id: string; readonly hasId: boolean }
  | { readonly ok: false; readonly reason: string; readonly detail: string; readonly type: string };

/** One event as it came, not read yet. */
export interface CameIn {
  readonly body: Buffer;
  readonly headers: EventHeaders;
  readonly receivedMs: number;
}

/** Decodes one event of an authentic request, and says what it goes by: its id, what `dedup.key` makes of it, or the `hash` of its body. */
export function identify({ name, format, dedup }: ReadingSource, { body, headers, receivedMs }: CameIn, hash: (body: Buffer) => string): Identified {
  const decoding = format.decode(body, headers);
  if (!decoding.ok) return { ok: false, reason: DEAD.undecodable, detail: decoding.detail, type: '' };
  const { event } = decoding;
  const own = dedup.key === null ? event.id : keyOf(viewOf(event, event.id ?? '', name, receivedMs), dedup.key);
  if (own !== null) return { ok: true, event, id: own, hasId: true };
  if (dedup.missingId === 'hash') return { ok: true, event, id: `sha256:${hash(body)}`, hasId: false };
  return { ok: false, reason: DEAD.missingId, detail: dedup.key === null ? ID_MISSING : KEY_MISSING, type: event.type };
}

const ID_MISSING = 'the id of the event is missing or empty';
const KEY_MISSING = 'the event has nothing that dedup.key could take for its id';

/** Null where there is no answer, or none that tells events apart. */
function keyOf(event: EventView, key: NonNullable<Dedup['key']>): string | null {
  try {
    const text = key(event) ?? '';
    return text.trim() === '' || nameFault(text) !== null ? null : text;
  } catch {
    return null;
  }
}

/** What asking for events came to. */
export type Polled =
  /** `bodies`: the oldest first. `state`: what the next question begins with; kept with the events. `note`: what a person should know. */
  | { readonly kind: 'events'; readonly bodies: readonly Buffer[]; readonly state: string; readonly waitMs: number; readonly note?: string }
  /** It is asked again; by `state`, where the question itself has to be another one. `waitMs`: what the far side asked for; null: nothing. */
  | { readonly kind: 'failed'; readonly detail: string; readonly waitMs: number | null; readonly state?: string }
  /** Nothing but a person can mend it. */
  | { readonly kind: 'stopped'; readonly detail: string };

/** Asks a far side for events. */
export interface Poller {
  /** One question. `state`: what the last answer was kept with; null: there was none. Never throws for what the far side did; ends when `signal` does. */
  ask(state: string | null, nowMs: number, signal: AbortSignal): Promise<Polled>;
  close(): Promise<void>;
}

/** A kind of source that is asked for its events: one file, one line in kinds.ts, one test against a stand-in. */
export interface PollerKind<Config = never> {
  readonly type: string;
  readonly description: string;
  /** TypeBox schema of the keys beside `type` and `dedup`. */
  readonly schema: object;
  /** Name of the format that its events have. */
  readonly format: string;
  /** Name of the source whose events these are; absent: they are those of its own source. */
  readonly fills?: (config: Config) => string;
  /** How long the same event may come again, in ms: the dedup window must not be shorter. */
  readonly repeatsMs: number;
  /** Reports what a schema cannot see. */
  check(config: Config, report: Report): void;
  open(config: Config): Poller;
}
