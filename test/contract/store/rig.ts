import { onTestFinished } from 'vitest';
import type { Settlement } from '../../../src/core/delivery.js';
import type { Outcome } from '../../../src/core/outcome.js';
import {
  keyOfId,
  type Arrival,
  type DeliveryFilter,
  type DeliveryRow,
  type DueDelivery,
  type Owed,
  type Settled,
  type Store,
  type StoreLimits,
} from '../../../src/core/store.js';

/** A store over data of its own. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes it, and opens the same data again. */
  reopen(): Promise<Store>;
  /** Closes what is open, and removes the data. */
  remove(): Promise<void>;
}

/** Opens a store that holds nothing. */
export type OpenFresh = (limits: StoreLimits) => Promise<OpenedStore>;

export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;
export const LIMITS: StoreLimits = { retentionMs: 7 * DAY, dedupWindowMs: DAY };
/** When the tests take place: a whole second. */
export const T0 = Date.UTC(2026, 0, 12, 9, 24, 7);

/** Opens stores for one test, and removes them after it. */
export function freshly(open: OpenFresh): (limits?: Partial<StoreLimits>) => Promise<OpenedStore> {
  return async (limits = {}) => {
    const opened = await open({ ...LIMITS, ...limits });
    onTestFinished(() => opened.remove());
    return opened;
  };
}

/** An event with the sender's id `id`, owed to one sink. */
export function arrival(id: string, over: Partial<Arrival> = {}): Arrival {
  return {
    source: 'castai',
    format: 'castai-event',
    key: keyOfId(id),
    id,
    type: 'resource.created',
    receivedMs: T0,
    body: Buffer.from(JSON.stringify({ id })),
    headers: {},
    dedupWindowMs: LIMITS.dedupWindowMs,
    owes: [owedTo('archive')],
    ...over,
  };
}

export function owedTo(sink: string, route = `to ${sink}`): Owed {
  return { state: 'waiting', route, sink };
}

export function deadLetter(reason = 'unrouted', detail = 'no row matched'): Owed {
  return { state: 'dead', route: null, sink: null, reason, detail };
}

/** Accepts what is not a duplicate, and hands back its uid. */
export async function accepted(store: Store, one: Arrival): Promise<string> {
  const receipt = await store.accept(one);
  if (receipt.kind === 'duplicate') throw new Error(`${one.id} is a duplicate`);
  return receipt.event.uid;
}

/** An attempt that began at `startedMs` and took 40 ms. */
export function tried(eventUid: string, index: number, settlement: Settlement, outcome: Outcome, startedMs = T0): Settled {
  return { eventUid, index, settlement, attempt: { startedMs, durationMs: 40, outcome } };
}

export function delivered(eventUid: string, index = 0, startedMs = T0): Settled {
  return tried(eventUid, index, { state: 'delivered' }, { kind: 'delivered', answer: '200 OK' }, startedMs);
}

export function retried(eventUid: string, dueMs: number, index = 0, startedMs = T0): Settled {
  return tried(
    eventUid,
    index,
    { state: 'waiting', dueMs, reason: 'http_503' },
    { kind: 'retry', reason: 'http_503', answer: '503 busy' },
    startedMs,
  );
}

export function rejected(eventUid: string, index = 0, startedMs = T0): Settled {
  return tried(
    eventUid,
    index,
    { state: 'dead', reason: 'http_400' },
    { kind: 'rejected', reason: 'http_400', answer: '400 bad request' },
    startedMs,
  );
}

export function idOf({ event, index }: DueDelivery): string {
  return `${event.uid}.${index}`;
}

/** Ids of what is due, in order. */
export async function dueIds(store: Store, sink: string, nowMs = T0, limit = 1_000): Promise<string[]> {
  return (await store.due(sink, nowMs, limit, new Set())).deliveries.map(idOf);
}

/** Every row a filter selects, page by page. */
export async function allRows(store: Store, filter: DeliveryFilter = {}, pageSize = 100): Promise<DeliveryRow[]> {
  const rows: DeliveryRow[] = [];
  let before: string | null = null;
  do {
    const page = await store.deliveries(filter, pageSize, before);
    rows.push(...page.rows);
    before = page.next;
  } while (before !== null);
  return rows;
}

/** The one delivery of the one event with this id. */
export async function onlyRow(store: Store, id: string): Promise<DeliveryRow> {
  const rows = (await store.stories(id)).flatMap((story) => story.deliveries);
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`${id} has ${rows.length} deliveries`);
  return row;
}

/** Chunks a round of pruning may take in a test: one that never ends must fail, not hang. */
const CHUNKS_MAX = 1_000;

export async function pruneAll(store: Store, nowMs: number): Promise<void> {
  for (let chunk = 0; chunk < CHUNKS_MAX; chunk++) if ((await store.prune(nowMs)) === 0) return;
  throw new Error('pruning never ends');
}

export function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
