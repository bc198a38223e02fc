import type { EventHeaders } from '../core/event.js';
import type { AttemptRow, DeliveryRow, EventStory } from '../core/store.js';

export type { ReplayReport } from '../delivery/replay.js';

/** Bytes of a body that a story shows. */
const BODY_BYTES_MAX = 64 * 1024;

/** A delivery as the operators' API shows it. Times are RFC 3339. */
export interface DeliveryView {
  readonly id: string;
  readonly eventId: string;
  readonly event: string;
  readonly source: string;
  readonly type: string;
  readonly route: string | null;
  readonly sink: string | null;
  readonly state: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly receivedAt: string;
  readonly dueAt: string | null;
  readonly settledAt: string | null;
}

/** One attempt, as the operators' API shows it. */
export interface AttemptView {
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly answer: string;
}

/** An event from arrival to end. `body` is a text; base64, where it is not UTF-8. */
export interface StoryView {
  readonly event: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly receivedAt: string;
  /** Those that the format of the source reads. */
  readonly headers: EventHeaders;
  readonly bodyBytes: number;
  readonly body: string;
  readonly bodyEncoding: 'utf-8' | 'base64';
  readonly bodyCut: boolean;
  /** The stored bytes are not those that were received. */
  readonly damaged: boolean;
  /** Names of the rows that owe something. */
  readonly routes: readonly string[];
  readonly deliveries: readonly (DeliveryView & { readonly history: readonly AttemptView[] })[];
}

export function presentDelivery(row: DeliveryRow): DeliveryView {
  return {
    id: row.deliveryId,
    eventId: row.eventId,
    event: row.eventUid,
    source: row.source,
    type: row.type,
    route: row.route,
    sink: row.sink,
    state: row.state,
    attempts: row.attempts,
    reason: row.reason,
    detail: row.detail,
    receivedAt: timeOf(row.receivedMs) ?? '',
    dueAt: timeOf(row.dueMs),
    settledAt: timeOf(row.settledMs),
  };
}

export function presentStory({ event, deliveries, attempts }: EventStory, bodyBytesMax = BODY_BYTES_MAX): StoryView {
  const shown = event.body.subarray(0, bodyBytesMax);
  const text = shown.toString('utf8');
  const isText = Buffer.from(text).equals(shown);
  return {
    event: event.uid,
    id: event.id,
    source: event.source,
    type: event.type,
    receivedAt: timeOf(event.receivedMs) ?? '',
    headers: event.headers,
    bodyBytes: event.body.length,
    body: isText ? text : shown.toString('base64'),
    bodyEncoding: isText ? 'utf-8' : 'base64',
    bodyCut: event.body.length > shown.length,
    damaged: event.damaged === true,
    routes: [...new Set(deliveries.flatMap((row) => row.route ?? []))],
    deliveries: deliveries.map((row) => ({
      ...presentDelivery(row),
      history: attempts.filter((one) => one.index === row.index).map(presentAttempt),
    })),
  };
}

function presentAttempt({ attempt, startedMs, durationMs, outcome, reason, answer }: AttemptRow): AttemptView {
  return { attempt, startedAt: timeOf(startedMs) ?? '', durationMs, outcome, reason, answer };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
