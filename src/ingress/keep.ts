import { createHash } from 'node:crypto';
import { viewOf, type EventView, type StoredEvent } from '../core/event.js';
import type { Log } from '../core/sink.js';
import { identify, type CameIn, type ReadingSource } from '../core/source.js';
import { keyOfId, type Arrival, type Owed, type Receipt } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';

/** What keeping an event needs, however it came. */
export interface Keeping {
  /** The deliveries an event owes: at least one. Pure. */
  readonly route: (event: EventView) => readonly Owed[];
  /** Hands a fresh event to the lanes. Called once for each, in order, when its sender has been answered. `view`: null where nothing could be read. */
  readonly onStored: (event: StoredEvent, owes: readonly Owed[], view: EventView | null) => void;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** An authentic event: what is kept of it, and whether its sender is told that something is wrong with it. */
export interface Judged {
  readonly arrival: Arrival;
  readonly view: EventView | null;
  readonly refusal: Fault | null;
}

/** Why no event can be made of what came. */
export interface Fault {
  readonly reason: string;
  readonly detail: string;
}

/**
 * Every key has a prefix of its own, so that no id can be made to collide with a hash. A refused body is kept once however often it is sent again,
 * and it does not stand in the way of the same body after the format or `missingId` was mended.
 */
export function judge(source: ReadingSource, came: CameIn, route: Keeping['route']): Judged {
  const identified = identify(source, came, sha256);
  if (!identified.ok) return refused(source, came, identified);
  const { event, id, hasId } = identified;
  const view = viewOf(event, id, source.name, came.receivedMs);
  const owes = route(view);
  return { view, arrival: arrivalOf(source, came, { key: hasId ? keyOfId(id) : id, id, type: event.type, owes }), refusal: null };
}

/** Kept as a dead letter. */
export function refused(source: ReadingSource, came: CameIn, { reason, detail, type }: Fault & { readonly type: string }): Judged {
  const owes: Owed[] = [{ state: 'dead', route: null, sink: null, reason, detail }];
  return { arrival: arrivalOf(source, came, { key: `${reason}:${sha256(came.body)}`, id: '', type, owes }), view: null, refusal: { reason, detail } };
}

/** Field by field: spreading an object costs microseconds, and this runs for every event. */
function arrivalOf(
  { name, format, dedup }: ReadingSource,
  { body, headers, receivedMs }: CameIn,
  { key, id, type, owes }: Pick<Arrival, 'key' | 'id' | 'type' | 'owes'>,
): Arrival {
  return { source: name, format: format.type, key, id, type, receivedMs, body, headers, dedupWindowMs: dedup.windowMs, owes };
}

/** A refused event is told of with this status, whoever hears it. */
export const UNPROCESSABLE = 422;

/** What follows from a receipt: a fresh event goes to the lanes, and everything is told. */
export function follow(judged: Judged, receipt: Receipt, keeping: Keeping): void {
  if (receipt.kind === 'stored') handOver(receipt.event, judged, keeping);
  tell(judged, receipt, keeping);
}

/** The event is stored and its sender has been told: a fault from here on is not the sender's business. */
function handOver(event: StoredEvent, { arrival, view }: Judged, { onStored, log }: Keeping): void {
  try {
    onStored(event, arrival.owes, view);
  } catch (error) {
    log.error({ source: event.source, uid: event.uid, error }, 'a stored event could not be handed over; its deliveries wait for the next start');
  }
}

function tell({ arrival, refusal }: Judged, receipt: Receipt, { telemetry, nowMs }: Keeping): void {
  const { source, type, id, owes } = arrival;
  if (refusal !== null) {
    telemetry.refused({ source, reason: refusal.reason, status: UNPROCESSABLE, detail: refusal.detail });
    return;
  }
  if (receipt.kind === 'duplicate') {
    telemetry.duplicate({ source, type, id });
    return;
  }
  const { uid } = receipt.event;
  const deliveries = owes.filter((owed) => owed.state === 'waiting').length;
  telemetry.accepted({ source, type, id, uid, deliveries, durationMs: nowMs() - arrival.receivedMs });
  for (const owed of owes) {
    if (owed.state === 'dead') telemetry.misrouted({ source, type, id, uid, reason: owed.reason, detail: owed.detail });
  }
}

function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
