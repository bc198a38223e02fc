import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { StoreLimits } from '../../core/store.js';
import { STATE } from './protocol.js';
import type { Seen } from './seen.js';

/** Events looked at in one transaction: it runs on the writer's thread, between the commits of the ingress. */
const CHUNK = 100;

/** Rows of dedup keys removed with a chunk. */
const PACKS = 10;

/**
 * Removes events that are past their retention, a chunk a call, walking the table by a cursor: events that stay because
 * something of them still waits are looked at once a round, not once a chunk. Answers how many it removed or passed; 0: the round is over.
 */
export function createPruner(
  database: DatabaseSyncInstance,
  seen: Seen,
  limits: StoreLimits,
  transaction: <Result>(keys: number, body: () => Result) => Result,
) {
  const next = database.prepare(`
    select seq, exists (
      select 1 from deliveries where event_seq = seq and (state = ${STATE.waiting} or settled_ms >= ?)
    ) as kept
    from events where seq > ? and received_ms < ? order by seq limit ${CHUNK}`);
  const remove = ['delete from attempts where event_seq = ?', 'delete from deliveries where event_seq = ?', 'delete from events where seq = ?'].map(
    (sql) => database.prepare(sql),
  );
  const oldPacks = database.prepare(`
    select first_seq from dedup
    where first_seq < ? and first_seq not in (select max(first_seq) from dedup) order by first_seq limit ${PACKS}`);
  const eventsFrom = database.prepare('select min(seq) as seq from events');
  const packLast = database.prepare('select entries from dedup where first_seq = ?');
  const removePack = database.prepare('delete from dedup where first_seq = ?');
  let cursor = 0;

  /** A row of dedup keys goes when its last key is past the window, and no event of it is kept. */
  const prunePacks = (nowMs: number): void => {
    const kept = (eventsFrom.get() as { seq: number | null }).seq ?? Infinity;
    for (const { first_seq } of oldPacks.all(seen.firstSeqOfLast) as unknown as { first_seq: number }[]) {
      const { entries } = packLast.get(first_seq) as { entries: Uint8Array };
      const lastS = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength).readUInt32LE(entries.byteLength - 4);
      const lastSeq = first_seq + entries.byteLength / 20 - 1;
      if (lastSeq >= kept || nowMs / 1000 - lastS <= limits.dedupWindowMs / 1000) return;
      removePack.run(first_seq);
    }
  };

  return (nowMs: number): number => {
    const cutoffMs = nowMs - limits.retentionMs;
    const rows = next.all(cutoffMs, cursor, cutoffMs) as unknown as { seq: number; kept: number }[];
    cursor = rows.length < CHUNK ? 0 : (rows.at(-1)?.seq ?? 0);
    return transaction(0, () => {
      const removed = rows.filter((row) => row.kept === 0);
      for (const { seq } of removed) for (const statement of remove) statement.run(seq);
      prunePacks(nowMs);
      return rows.length < CHUNK ? removed.length : rows.length;
    });
  };
}
