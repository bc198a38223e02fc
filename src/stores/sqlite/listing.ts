import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { deliveryId } from '../../core/delivery.js';
import type { DeliveryFilter, DeliveryRow, Page } from '../../core/store.js';
import { DamagedDatabase } from './faults.js';
import { STATE, stateOf } from './protocol.js';
import { textOut } from './text.js';
import { seqOf } from './writer.js';

/** Rows that one page of a listing may look at: a filter that selects little must not read a large table at one go. */
const LOOKED_AT_MAX = 10_000;

/** Lists deliveries, newest event first, a page a call. */
export function createListing(database: DatabaseSyncInstance): (filter: DeliveryFilter, limit: number, before: string | null) => Page<DeliveryRow> {
  const lastOfAll = database.prepare(lastOf(''));
  const lastOfDead = database.prepare(lastOf(`and state = ${STATE.dead}`));
  const countWaiting = database.prepare(countSome(''));
  const countWaitingOf = database.prepare(countSome('and sink = ?'));

  const fewWait = ({ state, sink }: DeliveryFilter): boolean => {
    if (state !== 'waiting') return false;
    const row = (sink === undefined ? countWaiting.get() : countWaitingOf.get(sink)) as { count: number };
    return row.count < LOOKED_AT_MAX;
  };

  return (filter, limit, before) => {
    const start = placeIn(before);
    const few = fewWait(filter);
    /** Where this page has looked at enough; undefined: it reaches the end before that. */
    const end = few ? undefined : ((filter.state === 'dead' ? lastOfDead : lastOfAll).get(start.event_seq, start.n) as Place | undefined);
    const { sql, values } = select(filter, start, end, few);
    const listed = database.prepare(sql).all(...values, limit) as unknown as ListedRow[];
    // By its place, and not by its uid, which may be damaged and name another.
    const last = listed.length === limit ? listed.at(-1) : end;
    if (last !== undefined && !isBefore(last, start)) throw new DamagedDatabase('a listing of deliveries does not come to an end');
    return { rows: listed.map(rowOf), next: last === undefined ? null : deliveryId(last.event_seq.toString(36), last.n) };
  };
}

/** A row's place in the order of a listing. */
interface Place {
  readonly event_seq: number;
  readonly n: number;
}

function isBefore(one: Place, other: Place): boolean {
  return one.event_seq < other.event_seq || (one.event_seq === other.event_seq && one.n < other.n);
}

/** Before what stands at `before`; null: before everything. */
function placeIn(before: string | null): Place {
  if (before === null) return { event_seq: Number.MAX_SAFE_INTEGER, n: 0 };
  const [uid = '', index = ''] = before.split('.');
  return { event_seq: seqOf(uid) || 0, n: Number(index) || 0 };
}

/**
 * Newest first, from `start` to `end`. What is asked for most is what waits, and it is mostly little among much that is over: where few wait they are taken
 * from their index and sorted. Everything else is read in its order; `+` keeps SQLite from sorting a whole backlog instead.
 */
function select(filter: DeliveryFilter, start: Place, end: Place | undefined, few: boolean): { sql: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const conditions: string[] = [];
  const both = (condition: string, ...bound: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  both('(d.event_seq, d.n) < (?, ?)', start.event_seq, start.n);
  if (end !== undefined) both('(d.event_seq, d.n) >= (?, ?)', end.event_seq, end.n);
  // A literal, so that SQLite can use the partial index of that state.
  if (filter.state !== undefined) both(`${few || filter.state === 'dead' ? '' : '+'}d.state = ${STATE[filter.state]}`);
  if (filter.sink !== undefined) both('d.sink = ?', filter.sink);
  if (filter.reason !== undefined) both('d.reason = ?', filter.reason);
  const rows = few ? SELECT_ROWS.replace('deliveries d', 'deliveries d indexed by deliveries_waiting') : SELECT_ROWS;
  return { sql: `${rows} where ${conditions.join(' and ')} order by d.event_seq desc, d.n desc limit ?`, values };
}

function lastOf(state: string): string {
  return `
    select event_seq, n from deliveries where (event_seq, n) < (?, ?) ${state}
    order by event_seq desc, n desc limit 1 offset ${LOOKED_AT_MAX - 1}`;
}

function countSome(sink: string): string {
  return `select count(*) as count from (select 1 from deliveries where state = ${STATE.waiting} ${sink} limit ${LOOKED_AT_MAX})`;
}

/** A delivery with what a listing shows of its event. */
export const SELECT_ROWS = `
  select d.*, e.uid, e.id, e.source, e.type, e.received_ms from deliveries d join events e on e.seq = d.event_seq`;

/** As it comes back. */
export interface ListedRow {
  readonly event_seq: number;
  readonly uid: string;
  readonly source: string;
  readonly id: string | Uint8Array;
  readonly type: string | Uint8Array;
  readonly received_ms: number;
  readonly n: number;
  readonly route: string | null;
  readonly sink: string | null;
  readonly state: number;
  readonly due_ms: number;
  readonly attempts: number;
  readonly reason: string | null;
  readonly detail: string | Uint8Array | null;
  readonly settled_ms: number | null;
}

/** As the core knows it. */
export function rowOf(row: ListedRow): DeliveryRow {
  const state = stateOf(row.state);
  return {
    eventUid: row.uid,
    index: row.n,
    deliveryId: deliveryId(row.uid, row.n),
    eventId: textOut(row.id),
    source: row.source,
    type: textOut(row.type),
    receivedMs: row.received_ms,
    route: row.route,
    sink: row.sink,
    state,
    dueMs: state === 'waiting' ? row.due_ms : null,
    attempts: row.attempts,
    reason: row.reason,
    detail: row.detail === null ? null : textOut(row.detail),
    settledMs: state === 'waiting' ? null : row.settled_ms,
  };
}
