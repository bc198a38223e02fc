import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { AttemptRow, Checkpoint, DueDelivery, DuePage, EventStory, Store, StoreStats } from '../../core/store.js';
import type { StoredEvent } from '../../core/event.js';
import type { Outcome } from '../../core/outcome.js';
import { checkpointSum } from './checksum.js';
import { built, openForReading, prepareTuples } from './database.js';
import { EVENT_COLUMNS, eventOf, eventRowOf, type EventRow, type EventTuple } from './event-row.js';
import { deadLetterOf } from './dead-letter.js';
import { DamagedDatabase } from './faults.js';
import { createInOrder, type Place } from './in-order.js';
import { createListing, rowOf, SELECT_ROWS, type ListedRow } from './listing.js';
import { STATE } from './protocol.js';
import { DELIVERED_ATTEMPT } from './statements.js';
import { textOut } from './text.js';
import { seqOf } from './writer.js';

/** Bodies that one page of due deliveries may hold: a backlog of large events must not fill the memory. */
const DUE_BYTES_MAX = 16 * 1024 * 1024;

/** No due time is later: see `settle` in the writer. */
const LAST_MS = Number.MAX_SAFE_INTEGER;

/** Everything that reads, beside the writer. Runs in a thread of its own, so that a long listing delays no commit. */
export function createReader(path: string) {
  return built(openForReading(path), readerOf);
}

function readerOf(database: DatabaseSyncInstance) {
  const statements = {
    // Out of the index alone: what is in memory already is looked past, and that may be thousands.
    due: prepareTuples(database, `select event_seq, n, due_ms ${WAITING} order by due_ms, event_seq, n limit ?`),
    dueInNoOrder: prepareTuples(database, `select event_seq, n, due_ms ${WAITING} and order_key is null order by due_ms, event_seq, n limit ?`),
    at: prepareTuples(
      database,
      `select event_seq, n, route, sink, attempts - attempts_before, since_ms, dead_n, dead, order_key, ${EVENT_COLUMNS}
      from deliveries left join events on seq = event_seq where event_seq = ? and n = ? and sink = ? and state = ${STATE.waiting}`,
    ),
    nextDue: database.prepare(`select min(due_ms) as due_ms ${WAITING}`),
    nextDueInNoOrder: database.prepare(`select min(due_ms) as due_ms ${WAITING} and order_key is null`),
    event: database.prepare(`select ${EVENT_COLUMNS} from events where seq = ?`),
    deliveriesOf: database.prepare(`${SELECT_ROWS} where d.event_seq = ? order by d.n`),
    // At one go: a replay moves the second to the first. Sorted afterwards, since SQLite would build a table for that.
    attemptsOf: database.prepare(`
      select event_seq, n, attempt, started_ms, duration_ms, outcome, reason, answer from attempts where event_seq = ?1 union all ${DELIVERED_ATTEMPT}`),
    checkpoint: database.prepare('select source, state, crc from checkpoints where source = ?'),
    probe: database.prepare('select max(seq) from events'),
    waiting: database.prepare(`select sink, count(*) as count, min(due_ms) as oldest from deliveries where state = ${STATE.waiting} group by sink`),
  };

  const eventAt = (seq: number): StoredEvent | null => {
    const row = statements.event.get(seq) as EventRow | undefined;
    return row === undefined ? null : eventOf(row);
  };

  const attemptsAt = (seq: number): AttemptRow[] =>
    (statements.attemptsOf.all(seq) as unknown as PastAttempt[]).map(attemptOf).sort((a, b) => a.index - b.index || a.attempt - b.attempt);

  const inOrder = createInOrder(database);

  /** The earliest `count` that are due. */
  const duePlaces = (sink: string, nowMs: number, farMs: number, count: number, due = statements.due): Place[] => {
    const places = due.all(sink, -LAST_MS, nowMs, count) as unknown as Place[];
    return places.length < count ? [...places, ...(due.all(sink, farMs, LAST_MS, count - places.length) as unknown as Place[])] : places;
  };

  let keyedFirst = false;

  /** What is in order, key by key, and what is not: in turn the first, so that neither is kept waiting by much of the other. */
  const inTurn = (keyed: readonly Place[], others: readonly Place[]): Place[] => {
    keyedFirst = !keyedFirst;
    return keyedFirst ? [...keyed, ...others] : [...others, ...keyed];
  };

  const isDue = (nowMs: number, farMs: number) => (dueMs: number) => dueMs <= nowMs || dueMs > farMs;

  const due = (...[sink, nowMs, limit, held, farMs = LAST_MS, order]: DueAsked): DuePage => {
    const ordered = order === undefined ? null : inOrder(sink, limit, order.busy, isDue(nowMs, farMs), nowMs);
    const others = order?.others === true;
    const heldPlaces = new Set(Array.from(held, placeOf));
    /** With one more than the page takes, which says that there are more. */
    const count = heldPlaces.size + limit + 1;
    const places =
      ordered === null
        ? duePlaces(sink, nowMs, farMs, count)
        : inTurn(ordered.places, others ? duePlaces(sink, nowMs, farMs, count, statements.dueInNoOrder) : []);
    const deliveries: DueDelivery[] = [];
    const seen = new Set<string>();
    let bytes = 0;
    for (const [event_seq, n, dueMs] of places) {
      const place = `${event_seq}.${n}`;
      if (heldPlaces.has(place)) continue;
      if (seen.has(place)) throw new DamagedDatabase(`what waits names ${place} twice`);
      seen.add(place);
      if (deliveries.length >= limit || bytes >= DUE_BYTES_MAX) return { deliveries, nextDueMs: dueMs };
      const row = statements.at.get(event_seq, n, sink) as unknown as DueRow | undefined;
      if (row === undefined) throw new DamagedDatabase(`nothing waits for ${sink} at ${place}, where the index has it`);
      const delivery = dueOf(row);
      deliveries.push(delivery);
      bytes += delivery.event.body.length;
    }
    if (ordered !== null && !others) return { deliveries, nextDueMs: ordered.nextDueMs };
    const next = (ordered === null ? statements.nextDue : statements.nextDueInNoOrder).get(sink, nowMs, farMs) as { due_ms: number | null };
    return {
      deliveries,
      nextDueMs: earlier(next.due_ms, ordered?.nextDueMs ?? null),
      ...(ordered !== null && { othersWait: next.due_ms !== null }),
    };
  };

  return {
    /** At one moment: what is settled meanwhile is no damage. And faster: a statement by itself takes the lock of the file anew. */
    due(...asked: DueAsked): DuePage {
      database.exec('begin');
      try {
        return due(...asked);
      } finally {
        if (database.isTransaction) database.exec('rollback');
      }
    },

    deliveries: createListing(database),

    /** `seqs`: where the writer says the sender's id is. */
    stories(id: string, seqs: readonly number[]): EventStory[] {
      const own = eventAt(seqOf(id));
      const places = own?.uid === id ? [seqOf(id), ...seqs] : seqs;
      return [...new Set(places)].flatMap((seq) => {
        const event = eventAt(seq);
        if (event === null || (event.uid !== id && event.id !== id)) return [];
        const deliveries = (statements.deliveriesOf.all(seq) as unknown as ListedRow[]).map(rowOf);
        return [{ event, deliveries, attempts: attemptsAt(seq) }];
      });
    },

    checkpoint(source: string): string | null {
      const row = statements.checkpoint.get(source) as (Checkpoint & { readonly crc: number }) | undefined;
      // One that the disk has changed would skip what it does not stand for.
      return row === undefined || row.crc !== checkpointSum(row) ? null : row.state;
    },

    probe: (): void => void statements.probe.get(),

    stats(): StoreStats {
      const rows = statements.waiting.all() as unknown as { sink: string; count: number; oldest: number }[];
      return { waiting: rows.map(({ sink, count, oldest }) => ({ sink, count, oldestDueMs: oldest })) };
    },

    close: (): void => database.close(),
  };
}

const WAITING = `from deliveries indexed by deliveries_waiting where state = ${STATE.waiting} and sink = ? and due_ms > ? and due_ms <= ?`;

type DueAsked = Parameters<Store['due']>;

/** A delivery that waits, and its event, whose columns are null where there is none. */
type DueRow = readonly [
  ...[event_seq: number, n: number, route: string | null, sink: string, attempts: number, since_ms: number],
  ...[dead_n: number | null, dead: unknown, order_key: string | null],
  ...event: EventTuple,
];

function dueOf([event_seq, index, route, sink, attempts, sinceMs, dead_n, dead, order_key, ...event]: DueRow): DueDelivery {
  const [uid] = event as readonly [unknown, ...unknown[]];
  if (typeof uid !== 'string' || seqOf(uid) !== event_seq) throw new DamagedDatabase(`what waits names no event at ${event_seq}`);
  return {
    ...{ index, route, sink, attempts, sinceMs, event: eventOf(eventRowOf(event)) },
    ...(dead_n !== null && { dead: deadLetterOf(uid, dead_n, dead) }),
    ...(order_key !== null && { orderKey: order_key }),
  };
}

/** Where the store has the delivery that an id names: what `${event_seq}.${n}` comes to. */
function placeOf(id: string): string {
  return `${seqOf(id)}${id.slice(id.lastIndexOf('.'))}`;
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

interface PastAttempt {
  readonly n: number;
  readonly attempt: number;
  readonly started_ms: number;
  readonly duration_ms: number;
  readonly outcome: Outcome['kind'];
  readonly reason: string | null;
  readonly answer: string | Uint8Array;
}

function attemptOf({ n, attempt, started_ms, duration_ms, outcome, reason, answer }: PastAttempt): AttemptRow {
  return { index: n, attempt, startedMs: started_ms, durationMs: duration_ms, outcome, reason, answer: textOut(answer) };
}
