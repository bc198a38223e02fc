import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { ON_DEAD } from '../../core/delivery.js';
import { STATE } from './protocol.js';

/**
 * The attempts that delivered those of an event, ?1, as rows of `attempts`: they stand in the deliveries, since most have no other. What damage has made
 * something else of is none.
 */
export const DELIVERED_ATTEMPT = `
  select event_seq, n, attempts, settled_ms - duration_ms, duration_ms, 'delivered', null, detail from deliveries
  where event_seq = ?1 and typeof(duration_ms) = 'integer' and typeof(settled_ms) = 'integer' and detail is not null`;

/** What the writer says to the database, but for the dedup window and pruning. */
export function prepare(database: DatabaseSyncInstance) {
  return {
    saveCheckpoint: database.prepare(
      'insert into checkpoints (source, state, crc) values (?, ?, ?) on conflict (source) do update set state = excluded.state, crc = excluded.crc',
    ),
    insertSource: database.prepare('insert or ignore into sources (name) values (?)'),
    insertEvent: database.prepare(
      'insert into events (seq, uid, source, format, id, type, received_ms, body, crc, headers) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    insertWaiting: database.prepare(
      `insert into deliveries (event_seq, n, route, sink, state, due_ms, since_ms, order_key) values (?1, ?2, ?3, ?4, ${STATE.waiting}, ?5, ?5, ?6)`,
    ),
    insertDead: database.prepare(`
      insert into deliveries (event_seq, n, route, state, due_ms, since_ms, reason, detail, settled_ms)
      values (?1, ?2, ?3, ${STATE.dead}, ?4, ?4, ?5, ?6, ?4)`),
    // What most attempts come to: nothing of the row is asked for, which costs as much as the change.
    deliver: database.prepare(`
      update deliveries set state = ${STATE.delivered}, due_ms = ?1, attempts = attempts + 1, reason = null, detail = ?2, settled_ms = ?1, duration_ms = ?3
      where event_seq = ?4 and n = ?5 and state = ${STATE.waiting}`),
    settle: database.prepare(`
      update deliveries set state = ?, due_ms = ?, attempts = attempts + 1, reason = ?, detail = ?, settled_ms = ?
      where event_seq = ? and n = ? and state = ${STATE.waiting}
      returning attempts, sink, route, dead_n`),
    forward: database.prepare(`
      insert into deliveries (event_seq, n, route, sink, state, due_ms, since_ms, dead_n, dead)
      select ?1, 1 + max(n), '${ON_DEAD}', ?2, ${STATE.waiting}, ?3, ?3, ?4, ?5 from deliveries where event_seq = ?1
      having not exists (select 1 from deliveries where event_seq = ?1 and sink = ?2 and dead_n = ?4)`),
    // `or replace`: in a file that was damaged the number of an attempt may be taken, and history must not keep a delivery from being settled.
    insertAttempt: database.prepare(
      'insert or replace into attempts (event_seq, n, attempt, started_ms, duration_ms, outcome, reason, answer) values (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    keepDelivered: database.prepare(`
      insert or replace into attempts (event_seq, n, attempt, started_ms, duration_ms, outcome, reason, answer)
      ${DELIVERED_ATTEMPT} and n = ?2 and exists (select 1 from events where seq = event_seq and uid = ?3)`),
    replay: database.prepare(`
      update deliveries set state = ${STATE.waiting}, due_ms = ?, since_ms = ?, attempts_before = attempts,
        reason = null, detail = null, settled_ms = null, duration_ms = null
      where event_seq = ? and n = ? and state <> ${STATE.waiting} and sink is not null
        and exists (select 1 from events where seq = event_seq and uid = ?)`),
    owed: database.prepare('select n, route, sink, reason from deliveries join events on seq = event_seq where seq = ? and uid = ?'),
    sources: database.prepare('select name from sources'),
    remove: database.prepare('delete from deliveries where event_seq = ? and n = ?'),
    removeEvent: database.prepare('delete from events where seq = ?'),
    // One step down the index a sink: `distinct` would walk the whole backlog.
    waitingSinks: database.prepare(`
      with recursive found (sink) as (
        select min(sink) from deliveries where state = ${STATE.waiting}
        union all
        select (select min(sink) from deliveries where state = ${STATE.waiting} and sink > found.sink) from found where found.sink is not null
      )
      select sink from found where sink is not null`),
    kill: database.prepare(`
      update deliveries set state = ${STATE.dead}, reason = ?, detail = ?, settled_ms = ?
      where (event_seq, n) in (select event_seq, n from deliveries where state = ${STATE.waiting} and sink = ? limit ?)
      returning event_seq, n, sink, route, attempts, dead_n`),
    probe: database.prepare("insert into meta (name, value) values ('probed_ms', ?) on conflict (name) do update set value = excluded.value"),
  };
}
