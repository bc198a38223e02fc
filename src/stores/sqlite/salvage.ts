import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { DEAD } from '../../core/delivery.js';
import type { Salvaged } from '../../core/telemetry.js';
import { discard, draftOf, replace } from './aside.js';
import { KNOWN_DAMAGED } from './checksum.js';
import { APPLICATION_ID, openDatabase } from './database.js';
import { codeOf, isDamage, SQLITE_ERROR, UnusableDatabase } from './faults.js';
import { eventOf, isEvent, isText, type EventRow } from './event-row.js';
import { COLUMNS, openSource } from './graft.js';
import { STATE } from './protocol.js';
import { readable, type Gap } from './readable.js';
import { isPack, PACK } from './seen.js';
import { seqOf } from './writer.js';

/** Index of a dead letter that salvage adds: above any that the event may have had, since consumers deduplicate by it. */
const LETTER_INDEX = 1_000_000;

/**
 * Reads what can be read of a damaged file into a fresh one, and puts that in its place. The damaged file is kept beside it. Nothing is moved before
 * everything is written; nobody may have the file open. Runs in a thread that ends with it: the driver closes a file for good when its statements are gone.
 */
export function salvage(file: string, nowMs: number): Salvaged {
  const draft = draftOf(file);
  discard(draft);
  const fresh = openDatabase(draft);
  try {
    fresh.exec('pragma wal_checkpoint(truncate); pragma journal_mode = delete; pragma synchronous = off');
    const source = openSource(file, draft);
    let report;
    try {
      fresh.exec('begin');
      const copied = copyAll(source.database, fresh);
      if (source.grafted && copied.recognized === 0 && !isOurs(file)) throw notOurs(file);
      report = { ...copied.report, ...mendOwed(fresh, copied.incomplete, nowMs) };
      fresh.exec('commit');
    } finally {
      source.close();
    }
    fresh.close();
    return { ...report, kept: replace(file, nowMs) };
  } catch (error) {
    if (fresh.isOpen) fresh.close();
    discard(draft);
    throw error;
  }
}

function notOurs(file: string): UnusableDatabase {
  return new UnusableDatabase(`${file} is not a database: name another file (storage.path), or move it away`);
}

interface Copied {
  events: number;
  deliveries: number;
  attempts: number;
  eventsUnreadable: number;
}

function copyAll(source: DatabaseSyncInstance, fresh: DatabaseSyncInstance) {
  const gaps: Gap[] = [];
  const incomplete: Gap[] = [];
  const events = copyEvents(source, fresh, gaps);
  const deliveries = copyRows(source, fresh, DELIVERIES, incomplete);
  const attempts = copyRows(source, fresh, ATTEMPTS, []);
  const keys = copyRows(source, fresh, DEDUP, []);
  copyCheckpoints(source, fresh);
  fresh.exec('insert or ignore into sources (name) select distinct source from events');
  const last = Math.max(events.last, deliveries.last, keys.last);
  const eventsUnreadable = gaps.reduce((sum, { after, before }) => sum + Math.max(0, Math.min(before - 1, last) - Math.max(after, 0)), 0);
  const report: Copied = { events: events.copied, deliveries: deliveries.copied, attempts: attempts.copied, eventsUnreadable };
  return { recognized: events.whole + keys.copied, incomplete, report };
}

/** `crc` and `headers` are absent in a file from before there were any. */
type FoundEvent = Omit<EventRow, 'crc' | 'headers'> & Partial<Pick<EventRow, 'crc' | 'headers'>> & { readonly key: number };

/** A damaged event is kept, to be seen; at its delivery it becomes a dead letter. */
function copyEvents(source: DatabaseSyncInstance, fresh: DatabaseSyncInstance, gaps: Gap[]): { copied: number; whole: number; last: number } {
  const insert = fresh.prepare(
    'insert or ignore into events (seq, uid, source, format, id, type, received_ms, body, crc, headers) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const epoch = newEpoch();
  let [copied, whole, last] = [0, 0, 0];
  for (const row of readable<FoundEvent>(source.prepare('select *, seq as key from events not indexed where seq >= ? order by seq'), gaps)) {
    if (!isEvent(row)) {
      gaps.push({ after: row.key - 1, before: row.key + 1 });
      continue;
    }
    const { key, uid, crc = null, headers = null } = row;
    const isWhole = crc === null ? seqOf(uid) === key : eventOf({ ...row, crc, headers }).damaged !== true;
    // A whole event whose place was changed says itself where it belongs.
    const seq = isWhole ? seqOf(uid) : key;
    // No event has such a number: a flipped bit, and nothing that says where it belongs.
    if (seq < 0) continue;
    const { changes } = insert.run(
      seq,
      seqOf(uid) === seq ? uid : `${seq.toString(36)}-${epoch}`,
      row.source,
      row.format,
      row.id,
      row.type,
      row.received_ms,
      row.body,
      isWhole ? crc : KNOWN_DAMAGED,
      headers,
    );
    copied += changes;
    if (isWhole) [whole, last] = [whole + 1, Math.max(last, seq)];
  }
  return { copied, whole, last };
}

/** A table that is copied row by row: its columns, the first of them the key. */
interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly stride: number;
  readonly isSound: (row: Row) => boolean;
}

type Row = Readonly<Record<string, string | number | Uint8Array | null>> & { readonly key: number };

const DELIVERIES: Table = {
  name: 'deliveries',
  // Null, in a file from before there were any.
  columns: [...COLUMNS.deliveries.split(', '), 'dead_n', 'dead', 'order_key', 'duration_ms'],
  stride: 1,
  isSound: ({ n, sink, state, due_ms, attempts, attempts_before, since_ms, dead_n, order_key }) =>
    (dead_n === null || dead_n === undefined || Number.isInteger(dead_n)) &&
    (order_key === null || order_key === undefined || typeof order_key === 'string') &&
    [n, state, due_ms, attempts, attempts_before, since_ms].every(Number.isInteger) &&
    Object.values<unknown>(STATE).includes(state) &&
    (typeof sink === 'string' || (sink === null && state === STATE.dead)),
};

const ATTEMPTS: Table = {
  name: 'attempts',
  columns: COLUMNS.attempts.split(', '),
  stride: 1,
  isSound: ({ n, attempt, started_ms, duration_ms, outcome, answer }) =>
    [n, attempt, started_ms, duration_ms].every(Number.isInteger) && typeof outcome === 'string' && isText(answer),
};

const DEDUP: Table = { name: 'dedup', columns: COLUMNS.dedup.split(', '), stride: PACK, isSound: ({ entries }) => isPack(entries) };

function copyRows(source: DatabaseSyncInstance, fresh: DatabaseSyncInstance, table: Table, gaps: Gap[]): { copied: number; last: number } {
  const { name, columns, stride, isSound } = table;
  const key = columns[0] ?? '';
  const rows = source.prepare(`select *, ${key} as key from ${name} not indexed where ${key} >= ? order by ${key}`);
  const insert = fresh.prepare(`insert or ignore into ${name} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`);
  let [copied, last] = [0, 0];
  for (const row of readable<Row>(rows, gaps, stride)) {
    if (row.key < 0) {
      // No number of an event: a flipped bit. The row was that of the event before it or of the next.
      gaps.push({ after: last, before: last + 2 });
      continue;
    }
    if (!isSound(row)) {
      gaps.push({ after: row.key, before: row.key + 1 });
      continue;
    }
    copied += insert.run(...columns.map((column) => row[column] ?? null)).changes;
    last = row.key;
  }
  return { copied, last };
}

/** A source whose checkpoint is lost is read from its beginning again, as its own configuration has it. A file from before there were any has no table for them. */
function copyCheckpoints(source: DatabaseSyncInstance, fresh: DatabaseSyncInstance): void {
  const insert = fresh.prepare('insert or ignore into checkpoints (source, state, crc) values (?, ?, ?)');
  try {
    const rows = source.prepare('select source, state, crc from checkpoints').iterate() as Iterable<
      Readonly<Record<'source' | 'state' | 'crc', unknown>>
    >;
    for (const { source: name, state, crc } of rows)
      if (typeof name === 'string' && typeof state === 'string' && typeof crc === 'number') insert.run(name, state, crc);
  } catch (error) {
    if (!isDamage(error) && codeOf(error) !== SQLITE_ERROR) throw error;
  }
}

/**
 * No event without a delivery, no delivery without its event. Deliveries whose event is lost get one that says so, and end as dead letters when they are
 * due. An event that may have lost deliveries gets a dead letter without a sink: a replay routes it anew, and adds what it does not owe already.
 */
function mendOwed(fresh: DatabaseSyncInstance, incomplete: readonly Gap[], nowMs: number): { eventsLost: number; eventsToRoute: number } {
  const lost = fresh
    .prepare('select event_seq, min(since_ms) as since_ms from deliveries where event_seq not in (select seq from events) group by event_seq')
    .all() as unknown as { event_seq: number; since_ms: number }[];
  const insertEvent = fresh.prepare(
    "insert into events (seq, uid, source, format, id, type, received_ms, body, crc) values (?, ?, '', '', '', '', ?, x'', ?)",
  );
  const epoch = newEpoch();
  for (const { event_seq, since_ms } of lost) insertEvent.run(event_seq, `${event_seq.toString(36)}-${epoch}`, since_ms, KNOWN_DAMAGED);
  // Attempts alone tell of nothing, and would be taken for those of the next event with this number.
  fresh.exec('delete from attempts where event_seq not in (select seq from events)');

  const inGap = fresh.prepare('select seq from events where seq >= ? and seq < ?');
  const without = fresh.prepare('select seq from events where not exists (select 1 from deliveries where event_seq = seq)');
  const found = incomplete.flatMap(({ after, before }) => inGap.all(after, Math.min(before, Number.MAX_SAFE_INTEGER)) as { seq: number }[]);
  const seqs = new Set([...found, ...(without.all() as { seq: number }[])].map(({ seq }) => seq));
  const insertLetter = fresh.prepare(`
    insert into deliveries (event_seq, n, route, sink, state, due_ms, since_ms, reason, detail, settled_ms)
    select ?1, max(${LETTER_INDEX}, 1 + coalesce(max(n), 0)), null, null, ${STATE.dead}, ?2, ?2, '${DEAD.damaged}', ?3, ?2 from deliveries where event_seq = ?1`);
  for (const seq of seqs) insertLetter.run(seq, nowMs, LETTER_DETAIL);
  return { eventsLost: lost.length, eventsToRoute: seqs.size };
}

const LETTER_DETAIL = 'deliveries of the event may have been lost to damage of the store: a replay routes it anew';

function isOurs(file: string): boolean {
  const header = Buffer.alloc(72);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, header, 0, header.length, 0);
  closeSync(descriptor);
  return header.toString('latin1', 0, 16) === 'SQLite format 3\0' && header.readUInt32BE(68) === APPLICATION_ID;
}

function newEpoch(): string {
  return randomBytes(4).toString('hex');
}
