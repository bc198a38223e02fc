/** Headers by their names in lower case. */
export type EventHeaders = Readonly<Record<string, string>>;

/** What a format reads out of a body. `null` where the sender does not say. */
export interface Decoded {
  /** The sender's id of the event; `null` where it sent none. */
  readonly id: string | null;
  readonly type: string;
  /** Lower case: critical, error, warning, info, success, or whatever the sender says. */
  readonly severity: string | null;
  readonly name: string | null;
  readonly message: string | null;
  readonly cluster: { readonly id: string | null; readonly name: string | null };
  /** When it happened, as the sender wrote it. */
  readonly time: string | null;
  /** The sender's payload part of the body. */
  readonly data: unknown;
  /** The parsed JSON body. */
  readonly body: unknown;
}

/** The severities that formats agree on, the worst first. */
const SEVERITIES = ['critical', 'error', 'warning', 'info', 'success'];

/** 0 for the worst; what a sender says in words of its own comes behind them. */
export function severityRank(severity: string | null): number {
  const rank = SEVERITIES.indexOf(severity ?? '');
  return rank === -1 ? SEVERITIES.length : rank;
}

/** Longer ids and types are a sender's mistake: they become keys, labels and header values. */
export const NAME_CHARS_MAX = 256;

/** A surrogate without its other half. Two such texts are equal once they are UTF-8, so none may be a key. */
const HALF_CHARACTER = /\p{Surrogate}/u;

/** Why a text can be no id and no type; null: it can. */
export function nameFault(name: string): string | null {
  if (name.length > NAME_CHARS_MAX) return `is longer than ${NAME_CHARS_MAX} characters`;
  return HALF_CHARACTER.test(name) ? 'holds half a character' : null;
}

/** What `match`, CEL and Liquid see: one shape, whatever the sender. */
export interface EventView extends Decoded {
  readonly id: string;
  readonly source: string;
  /** RFC 3339, UTC. */
  readonly receivedAt: string;
}

/** What a decoded event looks like to `match`, CEL and Liquid. Field by field: spreading an object costs microseconds, and this runs for every event. */
export function viewOf(event: Decoded, id: string, source: string, receivedMs: number): EventView {
  const { type, severity, name, message, cluster, time, data, body } = event;
  return { id, source, type, severity, name, message, cluster, time, receivedAt: isoOf(receivedMs), data, body };
}

let last = { ms: NaN, iso: '' };

/** RFC 3339, UTC. Many events come in one millisecond, and writing out a date costs as much as parsing a small body. */
export function isoOf(ms: number): string {
  if (ms !== last.ms) last = { ms, iso: new Date(ms).toISOString() };
  return last.iso;
}

/** What can be said of an event whose body cannot be read. */
export function bareView({ uid, id, source, type, receivedMs }: Pick<StoredEvent, 'uid' | 'id' | 'source' | 'type' | 'receivedMs'>): EventView {
  const unread = { severity: null, name: null, message: null, cluster: { id: null, name: null }, time: null, data: null, body: null };
  return viewOf({ ...unread, id, type }, id || uid, source, receivedMs);
}

/** An event as the store keeps it. */
export interface StoredEvent {
  /** The bridge's id: unique over every database this program ever made. */
  readonly uid: string;
  readonly source: string;
  /** Name of the format that decodes the body. */
  readonly format: string;
  /** The sender's id; the body's hash where the source says `missingId: hash`; '' where the body could not be decoded. */
  readonly id: string;
  /** '' where the body could not be decoded. */
  readonly type: string;
  readonly receivedMs: number;
  /** The received bytes, unchanged; where a request held several events, those of this one. */
  readonly body: Buffer;
  /** The headers that the format reads, by their names in lower case. */
  readonly headers: EventHeaders;
  /** True where the stored bytes are not those that were received: they can be looked at, and are never sent. Absent otherwise. */
  readonly damaged?: boolean;
}
