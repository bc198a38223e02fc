import { createHash } from 'node:crypto';

/** An event that was posted, whatever the answer. */
export interface Posted {
  readonly id: string;
  readonly hash: string;
  /** The sinks that the routing table owes it to. */
  readonly sinks: readonly string[];
  /** It was answered 2xx. One that was not may be stored all the same: the answer may have been lost. */
  acknowledged: boolean;
}

/** Something that reached a sink. What a sink's protocol does not carry is null. */
export interface Arrival {
  readonly sink: string;
  readonly eventId: string;
  readonly deliveryId: string | null;
  readonly hash: string | null;
}

/** A delivery as the operators' API shows it. */
export interface Row {
  readonly id: string;
  readonly eventId: string;
  readonly event: string;
  readonly sink: string | null;
  readonly state: string;
  readonly reason: string | null;
  /** The store knows that the event is not what was received: its ids, too, may be others. */
  readonly damaged?: boolean;
}

export function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}
