import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { AttemptRow, Checkpoint, DueDelivery, DuePage, EventStory, OrderAsked, StoreStats } from '../../core/store.js';
import { deliveryId } from '../../core/delivery.js';
import type { StoredEvent } from '../../core/event.js';
import type { Outcome } from '../../core/outcome.js';
import { checkpointSum } from './checksum.js';
import { built, openForReading } from './database.js';
import { EVENT_COLUMNS, eventOf, type EventRow } from './event-row.js';
import { deadLetterOf } from './dead-letter.js';
import { DamagedDatabase } from './faults.js';
import { createInOrder, type InOrder } from './in-order.js';
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
    due: database.prepare(`
      select ${DUE_COLUMNS}
      from deliveries d left join events e on e.seq = d.event_seq
      where d.state = ${STATE.waiting} and d.sink = ? and d.due_ms > ? and d.due_ms <= ? order by d.due_ms, d.event_seq, d.n`),
    dueInNoOrder: database.prepare(`
      select ${DUE_COLUMNS} from deliveries d indexed by deliveries_waiting left join events e on e.seq = d.event_seq
      where d.state = ${STATE.waiting} and d.sink = ? and d.due_ms > ? and d.due_ms <= ? and d.order_key is null order by d.due_ms, d.event_seq, d.n`),
    at: database.prepare(`
      select ${DUE_COLUMNS} from deliveries d left join events e on e.seq = d.event_seq where d.event_seq = ? and d.n = ? and d.state = ${STATE.waiting}`),
    nextDueInNoOrder: database.prepare(`
      select min(due_ms) as due_ms from deliveries indexed by deliveries_waiting
      where state = ${STATE.waiting} and sink = ? and due_ms > ? and due_ms <= ? and order_key is null`),
    nextDue: database.prepare(
      `select min(due_ms) as due_ms from deliveries where state = ${STATE.waiting} and sink = ? and due_ms > ? and due_ms <= ?`,
    ),
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

  function* dueRows(sink: string, nowMs: number, farMs: number, due = statements.due): Iterable<DueRow> {
    yield* due.iterate(sink, -LAST_MS, nowMs) as Iterable<DueRow>;
    yield* due.iterate(sink, farMs, LAST_MS) as Iterable<DueRow>;
  }

  let keyedFirst = false;

  /** What is in order, key by key, and what is not: in turn the first, so that neither is kept waiting by much of the other. */
  function* rowsInOrder(sink: string, nowMs: number, farMs: number, { places }: InOrder, others: boolean): Iterable<DueRow> {
    keyedFirst = !keyedFirst;
    if (others && !keyedFirst) yield* dueRows(sink, nowMs, farMs, statements.dueInNoOrder);
    for (const { event_seq, n } of places) yield* statements.at.iterate(event_seq, n) as Iterable<DueRow>;
    if (others && keyedFirst) yield* dueRows(sink, nowMs, farMs, statements.dueInNoOrder);
  }

  const isDue = (nowMs: number, farMs: number) => (dueMs: number) => dueMs <= nowMs || dueMs > farMs;

  return {
    due(sink: string, nowMs: number, limit: number, held: ReadonlySet<string>, farMs = LAST_MS, order?: OrderAsked): DuePage {
      const ordered = order === undefined ? null : inOrder(sink, limit, order.busy, isDue(nowMs, farMs), nowMs);
      const others = order?.others === true;
      const rows = ordered === null ? dueRows(sink, nowMs, farMs) : rowsInOrder(sink, nowMs, farMs, ordered, others);
      const deliveries: DueDelivery[] = [];
      const ids = new Set<string>();
      let bytes = 0;
      for (const row of rows) {
        if (typeof row.uid !== 'string' || seqOf(row.uid) !== row.event_seq)
          throw new DamagedDatabase(`what waits names no event at ${row.event_seq}`);
        const id = deliveryId(row.uid, row.n);
        if (held.has(id)) continue;
        if (ids.has(id)) throw new DamagedDatabase(`what waits names ${id} twice`);
        ids.add(id);
        if (deliveries.length >= limit || bytes >= DUE_BYTES_MAX) return { deliveries, nextDueMs: row.due_ms };
        const event = eventAt(row.event_seq);
        if (event === null) continue;
        deliveries.push(dueOf(row, row.uid, event));
        bytes += event.body.length;
      }
      if (ordered !== null && !others) return { deliveries, nextDueMs: ordered.nextDueMs };
      const next = (ordered === null ? statements.nextDue : statements.nextDueInNoOrder).get(sink, nowMs, farMs) as { due_ms: number | null };
      return {
        deliveries,
        nextDueMs: earlier(next.due_ms, ordered?.nextDueMs ?? null),
        ...(ordered !== null && { othersWait: next.due_ms !== null }),
      };
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

const DUE_COLUMNS =
  'd.event_seq, d.n, d.route, d.sink, d.attempts - d.attempts_before as attempts, d.since_ms, d.due_ms, d.dead_n, d.dead, d.order_key, e.uid';

interface DueRow {
  readonly event_seq: number;
  readonly n: number;
  readonly route: string | null;
  readonly sink: string;
  readonly attempts: number;
  readonly since_ms: number;
  readonly due_ms: number;
  readonly dead_n: number | null;
  readonly dead: unknown;
  readonly order_key: string | null;
  readonly uid: string | null;
}

function dueOf(row: DueRow, uid: string, event: StoredEvent): DueDelivery {
  const { n: index, route, sink, attempts, since_ms: sinceMs, dead_n, dead, order_key } = row;
  return {
    ...{ index, route, sink, attempts, sinceMs, event },
    ...(dead_n !== null && { dead: deadLetterOf(uid, dead_n, dead) }),
    ...(order_key !== null && { orderKey: order_key }),
  };
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
