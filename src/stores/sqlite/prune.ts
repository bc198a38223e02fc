import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { StoreLimits } from '../../core/store.js';
import { STATE } from './protocol.js';
import { secondsOf, type Seen } from './seen.js';

/** Events looked at in one transaction: it runs on the writer's thread, between the commits of the ingress. */
const CHUNK = 100;

/**
 * Removes events that are past their retention, a chunk a call, walking the table by a cursor: events that stay because
 * something of them still waits are looked at once a round, not once a chunk. Answers how many it removed or passed; 0: the round is over.
 */
export function createPruner(
  database: DatabaseSyncInstance,
  seen: Seen,
  { retentionMs }: StoreLimits,
  transaction: <Result>(keys: number, body: () => Result) => Result,
) {
  const next = database.prepare(`
    select seq, received_ms, exists (
      select 1 from deliveries where event_seq = seq and (state = ${STATE.waiting} or settled_ms >= ?)
    ) as kept
    from events where seq > ? order by seq limit ${CHUNK}`);
  const remove = ['delete from attempts where event_seq = ?', 'delete from deliveries where event_seq = ?', 'delete from events where seq = ?'].map(
    (sql) => database.prepare(sql),
  );
  const firstEvent = database.prepare('select min(seq) as seq from events');
  let cursor = 0;

  return (nowMs: number): number =>
    transaction(0, () => {
      const cutoffMs = nowMs - retentionMs;
      const rows = next.all(cutoffMs, cursor) as unknown as { seq: number; received_ms: number; kept: number }[];
      const old = rows.filter((row) => row.received_ms < cutoffMs);
      const removed = old.filter((row) => row.kept === 0);
      for (const { seq } of removed) for (const statement of remove) statement.run(seq);
      seen.prune((firstEvent.get() as { seq: number | null }).seq ?? Infinity, secondsOf(nowMs));
      // Arrivals stand in order, so the first young one ends the round; one from the future, of a clock that was ahead, does not.
      const ends = rows.length < CHUNK || rows.some((row) => row.received_ms >= cutoffMs && row.received_ms <= nowMs);
      cursor = ends ? 0 : (rows.at(-1)?.seq ?? 0);
      return ends ? removed.length : rows.length;
    });
}
