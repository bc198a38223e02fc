import { DEAD } from './delivery.js';
import type { Decoded } from './event.js';
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
}

/** What a body says, or one plain line of why it cannot be read. */
export type Decoding = { readonly ok: true; readonly event: Decoded } | { readonly ok: false; readonly detail: string };

/** A kind of format: one file, one line in kinds.ts. Pure and total. */
export interface FormatKind {
  readonly type: string;
  readonly description: string;
  decode(body: Buffer): Decoding;
}

/** What a source makes of a body: an event and the id it goes by, or why it is a dead letter; its `type` is '' where that cannot be read. */
export type Identified =
  | { readonly ok: true; readonly event: Decoded; readonly id: string }
  | { readonly ok: false; readonly reason: string; readonly detail: string; readonly type: string };

/** Decodes an authentic body. An event without an id has its `hash` for one, or is refused: as the source says. */
export function identify(
  { format, missingId }: { readonly format: FormatKind; readonly missingId: 'reject' | 'hash' },
  body: Buffer,
  hash: (body: Buffer) => string,
): Identified {
  const decoding = format.decode(body);
  if (!decoding.ok) return { ok: false, reason: DEAD.undecodable, detail: decoding.detail, type: '' };
  const { event } = decoding;
  if (event.id === null && missingId === 'reject') return { ok: false, reason: DEAD.missingId, detail: '"id" is missing or empty', type: event.type };
  return { ok: true, event, id: event.id ?? `sha256:${hash(body)}` };
}
