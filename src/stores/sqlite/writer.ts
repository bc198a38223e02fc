import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { randomBytes } from 'node:crypto';
import { DEAD, type DeadLetter } from '../../core/delivery.js';
import { keyOfId, StoreUnavailable, type DeliveryKey, type Owed, type Rerouted, type Settled, type StoreLimits } from '../../core/store.js';
import { checkpointSum, checksumOf } from './checksum.js';
import { deadLetterIn } from './dead-letter.js';
import { built, openDatabase } from './database.js';
import { codeOf } from './faults.js';
import { unpackGroup, type GivenArrival, type Group, type PackedGroup, type Together } from './group.js';
import { createPlaceCheck } from './in-place.js';
import { STATE, type GroupResult, type GroupWritten, type Written } from './protocol.js';
import { createPruner } from './prune.js';
import { digestOf, secondsOf, Seen } from './seen.js';
import { prepare } from './statements.js';
import { textIn } from './text.js';

/** Rows changed by one call of what may touch a whole backlog: commits of the ingress go in between. */
const CHUNK = 1_000;

const SINK_REMOVED = 'the sink is not configured any more';

/** Codes of SQLite that are about one value, not about the file: TOOBIG, CONSTRAINT, MISMATCH, RANGE; null: the driver refused it, or we did. */
const VALUE_ERRORS: readonly (number | null)[] = [null, 18, 19, 20, 25];

/** Everything that writes, one transaction a call. Runs in a thread of its own. */
export function createWriter(path: string, limits: StoreLimits) {
  return built(openDatabase(path), (database) => writerOf(database, path, limits));
}

function writerOf(database: DatabaseSyncInstance, path: string, limits: StoreLimits) {
  const seen = new Seen(database, limits.dedupWindowMs);
  const statements = prepare(database);
  /** Those that are written for certain. */
  const sources = new Set<string>();
  // Drawn anew at every start: a restored or recreated file must not give an id a second time, consumers deduplicate by it.
  const epoch = randomBytes(4).toString('hex');
  const last = database.prepare('select max(seq) as seq from events').get() as { seq: number | null };
  let nextSeq = Math.max((last.seq ?? 0) + 1, seen.nextSeq);
  const checkPlace = createPlaceCheck(path);

  const transaction = <Result>(keys: number, body: () => Result): Result => {
    const seqBefore = nextSeq;
    seen.begin(keys);
    database.exec('begin immediate');
    try {
      const result = body();
      if (keys > 0) seen.flush();
      checkPlace();
      database.exec('commit');
      return result;
    } catch (error) {
      seen.rollback();
      nextSeq = seqBefore;
      sources.clear();
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  };

  const insert = (arrival: GivenArrival): string | null => {
    const receivedS = secondsOf(arrival.receivedMs);
    const digest = arrival.key === null ? null : digestOf(arrival.source, arrival.key);
    if (digest !== null && seen.has(digest, receivedS, arrival.dedupWindowMs)) return null;
    const seq = nextSeq++;
    const uid = `${seq.toString(36)}-${epoch}`;
    if (!sources.has(arrival.source)) {
      statements.insertSource.run(arrival.source);
      sources.add(arrival.source);
    }
    const { source, format, id, type, receivedMs, body, headers } = arrival;
    const crc = checksumOf({ uid, source, format, id, type, receivedMs, body, headers });
    statements.insertEvent.run(seq, uid, source, format, textIn(id), textIn(type), receivedMs, body, crc, headers);
    arrival.owes.forEach((owed, n) => insertDelivery(seq, n, owed, arrival.receivedMs));
    if (arrival.deadTo.length > 0) forwardDead(seq, arrival);
    seen.add(seq, digest, receivedS);
    return uid;
  };

  const insertDelivery = (seq: number, n: number, owed: Owed, nowMs: number): void => {
    if (owed.state === 'waiting') statements.insertWaiting.run(seq, n, owed.route, owed.sink, nowMs, owed.orderKey ?? null);
    else statements.insertDead.run(seq, n, owed.route, nowMs, owed.reason, textIn(owed.detail));
  };

  /** Behind all that the event owes: their numbers are as the caller knows them. */
  const forwardDead = (seq: number, { owes, deadTo, receivedMs }: GivenArrival): void =>
    owes.forEach((owed, n) => {
      if (owed.state === 'dead') forward(seq, n, { ...owed, attempts: 0 }, deadTo, receivedMs);
    });

  const forward = (seq: number, n: number, letter: Omit<DeadLetter, 'deliveryId'>, deadTo: readonly string[], nowMs: number): void => {
    const dead = deadLetterIn(letter);
    for (const sink of deadTo) statements.forward.run(seq, sink, nowMs, n, dead);
  };

  const settle = ({ eventUid, index, settlement, attempt, deadTo = [] }: Settled): void => {
    const seq = seqOf(eventUid);
    const { startedMs, durationMs, outcome } = attempt;
    const endedMs = startedMs + durationMs;
    const answer = textIn(outcome.answer);
    if (settlement.state === 'delivered') {
      statements.deliver.run(endedMs, answer, durationMs, seq, index);
      return;
    }
    const { state, reason } = settlement;
    // What lies past the safe integers could be written, but not be read again.
    const dueMs = state === 'waiting' ? Math.min(settlement.dueMs, Number.MAX_SAFE_INTEGER) : endedMs;
    const row = statements.settle.get(STATE[state], dueMs, reason, answer, endedMs, seq, index) as SettledRow | undefined;
    if (row === undefined) return;
    const { sink, route, attempts } = row;
    if (state === 'dead' && row.dead_n === null) forward(seq, index, { sink, route, reason, attempts, detail: outcome.answer }, deadTo, endedMs);
    const failure = outcome.kind === 'delivered' ? null : outcome.reason;
    statements.insertAttempt.run(seq, index, attempts, startedMs, durationMs, outcome.kind, failure, answer);
  };

  const reroute = ({ eventUid, index, owes }: Rerouted, nowMs: number): number => {
    const seq = seqOf(eventUid);
    const rows = statements.owed.all(seq, eventUid) as unknown as OwedRow[];
    const letter = rows.find((row) => row.n === index && row.sink === null);
    if (letter === undefined || owes.length === 0) return 0;
    const missing = owes.filter((owed) => !rows.some((row) => isSame(row, owed)));
    if (!owes.some((owed) => isSame(letter, owed))) statements.remove.run(seq, index);
    const next = Math.max(...rows.map((row) => row.n)) + 1;
    missing.forEach((owed, offset) => insertDelivery(seq, next + offset, owed, nowMs));
    return missing.filter((owed) => owed.state === 'waiting').length;
  };

  const insertAll = ({ arrivals, checkpoint }: Together<GivenArrival>): (string | null)[] => {
    if (checkpoint !== null) statements.saveCheckpoint.run(checkpoint.source, checkpoint.state, checkpointSum(checkpoint));
    return arrivals.map(insert);
  };

  const writeWhole = ({ arrivals, settled }: Group): GroupWritten =>
    transaction(
      arrivals.reduce((sum, together) => sum + together.arrivals.length, 0),
      () => {
        const uids = arrivals.flatMap(insertAll);
        for (const together of settled) together.forEach(settle);
        return { whole: true, uids };
      },
    );

  /**
   * One value that SQLite refuses must not take its group with it. It is answered as unavailable itself: its sender tries again and every refusal is logged,
   * where any other answer would drop it.
   */
  const writeApart = ({ arrivals, settled }: Group): GroupWritten => ({
    whole: false,
    arrivals: arrivals.map((together) => attempted(() => transaction(together.arrivals.length, () => insertAll(together)))),
    settled: settled.map((together) =>
      attempted(() => {
        transaction(0, () => together.forEach(settle));
        return [];
      }),
    ),
  });

  /** What events with this id go by, over all sources. */
  const digestsOf = (id: string): Buffer[] =>
    (statements.sources.all() as unknown as { name: string }[]).flatMap(({ name }) => [keyOfId(id), id].map((key) => digestOf(name, key)));

  return {
    write(packed: PackedGroup): GroupResult {
      const started = performance.now();
      const group = unpackGroup(packed);
      let result: GroupWritten;
      try {
        result = writeWhole(group);
      } catch (error) {
        if (error instanceof StoreUnavailable || !VALUE_ERRORS.includes(codeOf(error))) throw error;
        result = writeApart(group);
      }
      return { ...result, durationMs: performance.now() - started, lastSeq: nextSeq - 1 };
    },

    /** Gives out no seq up to this one: what a lane holds under it may be lost from the file, and must not be taken for another event. */
    goOnAfter: (seq: number): void => void (nextSeq = Math.max(nextSeq, seq + 1)),

    /** Seqs of the events that a sender's id stands for, over all sources. */
    find: (id: string): number[] => digestsOf(id).flatMap((digest) => seen.find(digest)),

    forget: (ids: readonly string[]): boolean[] =>
      transaction(0, () => {
        const known = ids.map((id) => digestsOf(id).reduce((any, digest) => seen.forget(digest) || any, false));
        seen.flush();
        return known;
      }),

    replay: (keys: readonly DeliveryKey[], nowMs: number): boolean[] =>
      transaction(0, () =>
        keys.map(({ eventUid, index }) => {
          const seq = seqOf(eventUid);
          statements.keepDelivered.run(seq, index, eventUid);
          return statements.replay.run(nowMs, nowMs, seq, index, eventUid).changes > 0;
        }),
      ),

    reroute: (letters: readonly Rerouted[], nowMs: number): number[] => transaction(0, () => letters.map((letter) => reroute(letter, nowMs))),

    killOrphans(sinks: readonly string[], nowMs: number, deadTo: readonly string[]): number {
      const waiting = statements.waitingSinks.all() as unknown as { sink: string }[];
      const orphan = waiting.find(({ sink }) => !sinks.includes(sink));
      if (orphan === undefined) return 0;
      return transaction(0, () => {
        const killed = statements.kill.all(DEAD.sinkRemoved, SINK_REMOVED, nowMs, orphan.sink, CHUNK) as unknown as KilledRow[];
        for (const { event_seq, n, sink, route, attempts, dead_n } of killed)
          if (dead_n === null) forward(event_seq, n, { sink, route, reason: DEAD.sinkRemoved, attempts, detail: SINK_REMOVED }, deadTo, nowMs);
        return killed.length;
      });
    },

    prune: createPruner(database, seen, limits, transaction),
    /** Writes all that an event writes, where the next one will, and takes it back: what would fail for an event fails here. */
    probe: (nowMs: number): void =>
      transaction(0, () => {
        statements.insertEvent.run(nextSeq, '', '', '', '', '', nowMs, new Uint8Array(), 0, null);
        insertDelivery(nextSeq, 0, { state: 'waiting', route: '', sink: '' }, nowMs);
        statements.remove.run(nextSeq, 0);
        statements.removeEvent.run(nextSeq);
        seen.flush();
        statements.probe.run(nowMs);
      }),
    close: (): void => database.close(),
  };
}

/** A delivery that has just been settled. */
interface SettledRow {
  readonly attempts: number;
  readonly sink: string | null;
  readonly route: string | null;
  /** Null, unless it forwards a dead letter. */
  readonly dead_n: number | null;
}

interface KilledRow extends SettledRow {
  readonly event_seq: number;
  readonly n: number;
}

interface OwedRow {
  readonly n: number;
  readonly route: string | null;
  readonly sink: string | null;
  readonly reason: string | null;
}

/** Is this what the row already stands for? */
function isSame(row: OwedRow, owed: Owed): boolean {
  return row.route === owed.route && row.sink === owed.sink && (owed.state === 'waiting' || row.reason === owed.reason);
}

function attempted(write: () => (string | null)[]): Written {
  try {
    return { ok: true, uids: write() };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** An event's place in the table stands in its uid. NaN, which no row has, for anything else. */
export function seqOf(uid: string): number {
  return uid.startsWith('-') ? NaN : parseInt(uid, 36);
}
