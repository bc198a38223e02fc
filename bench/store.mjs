// What an accepted event costs the store as rows grow, and what opening it costs as keys grow. Prints JSON lines.
import { DatabaseSync } from '@photostructure/sqlite';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../dist/stores/sqlite/database.js';
import { openSqliteStore } from '../dist/stores/sqlite/store.js';
import { INDEX, TABLES } from './textbook-worker.mjs';

const HELP = `Usage: npm run build && node bench/store.mjs [options]
  --rows 0,1000000      events in the file before each run; each is 1.2 KB with two settled deliveries
  --layouts packed,textbook
  --keys 1000000,5000000  dedup keys in a file without events, for the time to open and the memory
  --seconds 5           of load in each run: 64 writers, each event with two deliveries that are settled
  --rounds 2            runs of each kind, in turn
  --dir DIR             where the files are made (${tmpdir()})
  --help`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '0,1000000' },
    layouts: { type: 'string', default: 'packed,textbook' },
    keys: { type: 'string', default: '1000000,5000000' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const unknown = values.layouts.split(',').filter((layout) => layout !== 'packed' && layout !== 'textbook');
if (unknown.length > 0) {
  console.error(`there is no layout ${unknown.join(', ')}: use packed, textbook or both`);
  process.exit(2);
}

const WRITERS = 64;
const WARM_MS = 1_000;
const BODY = randomBytes(1_200);
const limits = { retentionMs: 7 * 86_400_000, dedupWindowMs: 86_400_000 };
const telemetry = new Proxy({}, { get: () => () => undefined });
const numbers = (text) => text.split(',').filter(Boolean).map(Number);
const directory = mkdtempSync(join(values.dir, 'castbridge-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(1));

const files = numbers(values.rows).flatMap((rows) =>
  values.layouts.split(',').map((layout) => ({ layout, rows, path: join(directory, `${layout}-${rows}.db`) })),
);
for (const { layout, rows, path } of files) fill(layout, path, rows);
// In turn, so that what else the machine does weighs on all alike.
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const { layout, rows, path } of files) say({ layout, rows, round, ...(await load(layout, path)) });
}
for (const { path } of files) rmSync(path);

for (const keys of numbers(values.keys)) {
  const path = join(directory, `keys-${keys}.db`);
  fillKeys(path, keys);
  global.gc?.();
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const store = await openSqliteStore({ path, limits, telemetry });
  const openMs = Math.round(performance.now() - started);
  const openRssMb = megabytes(process.memoryUsage.rss() - before);
  await store.close();
  say({ layout: 'packed', keys, openMs, openRssMb, ...(await load('packed', path)) });
  rmSync(path);
}

async function load(layout, path) {
  const workerUrl = layout === 'packed' ? undefined : new URL('./textbook-worker.mjs', import.meta.url);
  const store = await openSqliteStore({ path, limits, telemetry, ...(workerUrl === undefined ? {} : { workerUrl }) });
  await drive(store, WARM_MS, []);
  const latencies = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  await drive(store, Number(values.seconds) * 1_000, latencies);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const rssMb = megabytes(process.memoryUsage.rss());
  await store.close();
  latencies.sort((a, b) => a - b);
  const events = latencies.length;
  const at = (part) => Math.round((latencies[Math.floor(events * part)] ?? 0) * 10) / 10;
  return { perSecond: Math.round(events / seconds), cpuUs: Math.round(((user + system) / events) * 10) / 10, p50Ms: at(0.5), p99Ms: at(0.99), rssMb };
}

/** Every writer accepts an event, and has its deliveries settled while it accepts the next. */
async function drive(store, forMs, latencies) {
  const until = performance.now() + forMs;
  const writer = async () => {
    let settling = Promise.resolve();
    while (performance.now() < until) {
      const id = randomBytes(12).toString('hex');
      const began = performance.now();
      const receivedMs = Date.now();
      const { event } = await store.accept({
        source: 'castai',
        format: 'castai-event',
        key: `id:${id}`,
        id,
        type: 'resource.created',
        receivedMs,
        body: BODY,
        headers: {},
        dedupWindowMs: 86_400_000,
        owes: ['archive', 'ops'].map((sink) => ({ state: 'waiting', route: 'all', sink })),
      });
      latencies.push(performance.now() - began);
      await settling;
      const attempt = { startedMs: receivedMs, durationMs: 1, outcome: { kind: 'delivered', answer: '200' } };
      settling = Promise.all([0, 1].map((index) => store.settle({ eventUid: event.uid, index, settlement: { state: 'delivered' }, attempt })));
    }
    await settling;
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** In bulk, by SQL alone: random keys, as the real ones are. */
function fill(layout, path, rows) {
  const started = performance.now();
  const database = layout === 'packed' ? openDatabase(path) : new DatabaseSync(path);
  database.exec('pragma journal_mode = wal; pragma synchronous = off');
  if (layout !== 'packed') database.exec(TABLES);
  const now = Date.now();
  const chunk = 100_000;
  for (let from = 1; from <= rows; from += chunk) {
    const to = Math.min(from + chunk, rows + 1) - 1;
    const numbered = `with recursive n (seq) as (select ${from} union all select seq + 1 from n where seq < ${to})`;
    const key = layout === 'packed' ? '' : ', key';
    const random = layout === 'packed' ? '' : ", 'id:' || lower(hex(randomblob(12)))";
    const own = layout === 'packed' ? ', since_ms, duration_ms' : '';
    database.exec(`begin;
      insert into events (seq, uid, source${key}, format, id, type, received_ms, body) ${numbered}
        select seq, seq || '-filled', 'castai'${random}, 'castai-event', lower(hex(randomblob(12))), 'resource.created', ${now}, randomblob(1200) from n;
      insert into deliveries (event_seq, n, route, sink, state, due_ms, attempts, detail, settled_ms${own}) ${numbered}
        select seq, d.value, 'all', iif(d.value, 'ops', 'archive'), 1, ${now}, 1, '200', ${now} ${own === '' ? '' : `, ${now}, 1`} from n, json_each('[0,1]') d;
      commit`);
    if (layout === 'packed') continue;
    database.exec(`insert into attempts (event_seq, n, attempt, started_ms, duration_ms, outcome, answer) ${numbered}
      select seq, d.value, 1, ${now}, 1, 'delivered', '200' from n, json_each('[0,1]') d`);
  }
  if (layout === 'packed') insertKeys(database, rows);
  else database.exec(INDEX);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  if (rows > 0) process.stderr.write(`${layout}: ${rows} rows in ${Math.round((performance.now() - started) / 1000)} s\n`);
}

function fillKeys(path, keys) {
  const database = openDatabase(path);
  database.exec('pragma synchronous = off');
  insertKeys(database, keys);
  database.close();
}

function insertKeys(database, keys) {
  const insert = database.prepare('insert into dedup (first_seq, entries) values (?, ?)');
  database.exec('begin');
  for (let first = 1; first <= keys; first += 256) {
    const count = Math.min(256, keys - first + 1);
    const entries = randomBytes(count * 20);
    for (let n = 0; n < count; n++) entries.writeUInt32LE(Math.floor(Date.now() / 1000), n * 20 + 16);
    insert.run(first, entries);
  }
  database.exec('commit');
}

function megabytes(bytes) {
  return Math.round(bytes / 1024 / 1024);
}

function say(line) {
  console.log(JSON.stringify(line));
}
