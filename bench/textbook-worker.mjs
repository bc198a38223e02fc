// The SQLite store's writing thread as a textbook would have it: a unique index finds duplicates. Only what bench/store.mjs calls.
import { DatabaseSync } from '@photostructure/sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { unpackGroup } from '../dist/stores/sqlite/group.js';

export const TABLES = `
  create table if not exists events (seq integer primary key, uid text, source text, key text, format text, id text, type text, received_ms integer, body blob);
  create table if not exists deliveries (event_seq integer, n integer, route text, sink text, state integer, due_ms integer,
    attempts integer default 0, detail text, settled_ms integer, primary key (event_seq, n)) without rowid;
  create index if not exists deliveries_due on deliveries (sink, due_ms) where state = 0;
  create table if not exists attempts (event_seq integer, n integer, attempt integer, started_ms integer, duration_ms integer, outcome text, answer text,
    primary key (event_seq, n, attempt)) without rowid;`;
export const INDEX = 'create unique index if not exists events_key on events (source, key)';

if (parentPort !== null) serve();

function serve() {
  const database = new DatabaseSync(workerData.path);
  database.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 500; ${TABLES} ${INDEX}`);
  const insertEvent = database.prepare(
    'insert into events (uid, source, key, format, id, type, received_ms, body) values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning seq',
  );
  const insertDelivery = database.prepare('insert into deliveries (event_seq, n, route, sink, state, due_ms) values (?, ?, ?, ?, 0, ?)');
  const settle = database.prepare(
    'update deliveries set state = 1, attempts = attempts + 1, detail = ?, settled_ms = ? where event_seq = ? and n = ? and state = 0 returning attempts',
  );
  const insertAttempt = database.prepare('insert into attempts values (?, ?, ?, ?, ?, ?, ?)');

  const write = (group) => {
    const started = performance.now();
    const { arrivals, settled } = unpackGroup(group);
    database.exec('begin immediate');
    const uids = arrivals
      .map(({ arrivals: [one] }) => one)
      .map(({ source, key, format, id, type, receivedMs, body, owes }) => {
        const row = insertEvent.get('', source, key, format, id, type, receivedMs, body);
        if (row === undefined) return { ok: true, uids: [null] };
        owes.forEach(({ route, sink }, n) => insertDelivery.run(row.seq, n, route, sink, receivedMs));
        return { ok: true, uids: [String(row.seq)] };
      });
    for (const { eventUid, index, attempt } of settled.flat()) {
      const { startedMs, durationMs, outcome } = attempt;
      const row = settle.get(outcome.answer, startedMs + durationMs, Number(eventUid), index);
      if (row !== undefined) insertAttempt.run(Number(eventUid), index, row.attempts, startedMs, durationMs, outcome.kind, outcome.answer);
    }
    database.exec('commit');
    return { arrivals: uids, settled: settled.map(() => ({ ok: true, uids: [null] })), durationMs: performance.now() - started };
  };

  parentPort.postMessage({ id: 0, ok: true, result: null });
  parentPort.on('message', ({ id, name, args }) => {
    parentPort.postMessage({ id, ok: true, result: name === 'write' ? write(...args) : null });
    if (name === 'close') parentPort.close();
  });
}
