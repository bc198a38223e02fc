// A large backlog beside an empty store, in one run: start, memory, latency of fresh events, idle CPU; and what operators ask of it. Prints Markdown tables.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openSqliteStore } from '../dist/stores/sqlite/store.js';
import { best, fill, freePort, load, MAIN, median, quantile, rounded, sleep, startBridge, startReceiver, table } from './rig.mjs';

const HELP = `Usage: npm run build && node bench/backlog.mjs [options]
  --rows 1000000   deliveries of the backlog. \`two\`: half as many events of 1 KB, each owed to two sinks that are down;
                   \`one\`: as many events, all due at one; \`dead\`: as \`two\`, but dead letters, for what operators do
  --shapes two,one,dead
  --parts compare,ask  with the empty store; what operators ask
  --rounds 3       of the empty store and each backlog, in turn; the best is shown: what else the machine does only adds
  --rate 300       fresh events a second, to a sink that is well
  --seconds 10     of them in each round
  --idle 20        seconds without any, for the CPU the backlog costs by itself; 0: not measured
  --dir DIR        where the files are made, about 1.5 KB an event (${tmpdir()})
  --files DIR      made there instead, kept, and used again where they are there already
  --help`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    shapes: { type: 'string', default: 'two,one,dead' },
    parts: { type: 'string', default: 'compare,ask' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10' },
    idle: { type: 'string', default: '20' },
    dir: { type: 'string', default: tmpdir() },
    files: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const ROWS = Number(values.rows);
const [RATE, SECONDS, IDLE] = [Number(values.rate), Number(values.seconds), Number(values.idle)];
const folder = mkdtempSync(join(values.dir, 'castbridge-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(1));

/** A chunk a call. */
const kill = async (store) => {
  while ((await store.killOrphans([], Date.now())) > 0);
};
const SHAPES = {
  empty: () => fill(file('empty'), 0, []),
  two: () => fill(file('two'), ROWS / 2, ['down', 'down-too']),
  one: () => fill(file('one'), ROWS, ['down']),
  dead: () => fill(file('dead'), ROWS / 2, ['down', 'down-too'], kill),
};
const sentAt = new Map();
const receiver = await startReceiver(sentAt);
const nowhere = await freePort();
const config = `sinks:
  healthy: { type: http, url: "${receiver.url}" }
  down: { type: http, url: "http://127.0.0.1:${nowhere}/", retry: { attempts: 100, maxAge: 30d } }
  down-too: { type: http, url: "http://127.0.0.1:${nowhere}/", retry: { attempts: 100, maxAge: 30d } }
routes: [{ to: [healthy] }]
`;

const asked = ['empty', ...values.shapes.split(',')];
for (const shape of asked) {
  const began = performance.now();
  if (!existsSync(file(shape))) await SHAPES[shape]();
  // A run before has replayed some of them.
  else if (shape === 'dead') await fill(file(shape), 0, [], kill);
  process.stderr.write(`${shape}: made in ${Math.round((performance.now() - began) / 1_000)} s\n`);
}
const parts = values.parts.split(',');
if (parts.includes('compare')) await compareWithEmpty(asked.filter((shape) => shape !== 'dead'));
if (parts.includes('ask')) for (const shape of asked.filter((one) => one !== 'empty')) await askAsOperators(shape);
receiver.close();

async function compareWithEmpty(shapes) {
  const runs = new Map(shapes.map((shape) => [shape, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    // The first one after a pause is slower: each begins a round once.
    for (const shape of [...shapes.slice(round % shapes.length), ...shapes.slice(0, round % shapes.length)])
      runs.get(shape).push(await measured(shape, round === 0));
  }
  const names = [...new Set([...runs.values()].flatMap((all) => all.flatMap(Object.keys)))];
  const of = (shape, name) => best(runs.get(shape).flatMap((run) => run[name] ?? []));
  console.log(`\n${ROWS} waiting deliveries, the best of ${values.rounds} rounds (× the empty store)\n`);
  table(
    ['', ...shapes],
    names.map((name) => [
      name,
      ...shapes.map((shape) => `${rounded(of(shape, name))}${shape === 'empty' ? '' : ` (${rounded(of(shape, name) / of('empty', name))})`}`),
    ]),
  );
}

async function measured(shape, withIdle) {
  const bridge = await startBridge(folder, file(shape), config);
  const [rssAtStart, cpuAtStart] = [bridge.rssMb(), bridge.cpuMs()];
  // Warm, and past the first tries at the sinks that are down.
  await load(bridge.url, { perSecond: RATE, seconds: 2, sentAt });
  receiver.latencies.length = 0;
  const cpuBefore = bridge.cpuMs();
  const answered = await load(bridge.url, { perSecond: RATE, seconds: SECONDS, sentAt });
  while (receiver.latencies.length < answered.length) await sleep(20);
  const cpuAfter = bridge.cpuMs();
  const result = {
    'start to ready, ms': bridge.readyMs,
    'CPU to get ready, ms': cpuAtStart,
    'RSS at start, MB': rssAtStart,
    [`RSS after ${RATE * SECONDS} events, MB`]: bridge.rssMb(),
    'CPU of a fresh event, µs': ((cpuAfter - cpuBefore) * 1_000) / answered.length,
    'ingest p50, ms': quantile(answered, 0.5),
    'ingest p99, ms': quantile(answered, 0.99),
    'delivery p50, ms': quantile(receiver.latencies, 0.5),
    'delivery p99, ms': quantile(receiver.latencies, 0.99),
    ...(withIdle && IDLE > 0 ? { [`CPU of ${IDLE} s without events, ms`]: await idle(bridge) } : {}),
  };
  await bridge.stop();
  return result;
}

async function idle(bridge) {
  await sleep(3_000);
  const before = bridge.cpuMs();
  await sleep(IDLE * 1_000);
  return bridge.cpuMs() - before;
}

/** Each question alone, with what it costs the fresh events and the lanes meanwhile. */
async function askAsOperators(shape) {
  const bridge = await startBridge(folder, file(shape), config);
  await load(bridge.url, { perSecond: RATE, seconds: 2, sentAt });
  const call = async (path, body) => {
    const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${bridge.operations}${path}`, init);
    return path === '/metrics' ? answer.text() : answer.json();
  };
  /** Page after page, as the command does it. */
  const listed = async (query) => {
    const pages = [];
    let [rows, before] = [0, null];
    do {
      const began = performance.now();
      const page = await call(`/api/deliveries?limit=${Math.min(1_000, 100 - rows)}&${query}${before === null ? '' : `&before=${before}`}`);
      pages.push(performance.now() - began);
      rows += page.deliveries.length;
      before = page.next;
    } while (before !== null && rows < 100);
    return { pages, rows };
  };
  const timed = async (ask) => {
    const began = performance.now();
    await ask();
    return { pages: [performance.now() - began], rows: '' };
  };
  const [first] = (await call('/api/deliveries?limit=1&sink=down')).deliveries;
  const questions = {
    'nothing asked': () => sleep(2_000).then(() => ({ pages: [NaN], rows: '' })),
    deliveries: () => listed(''),
    '--state waiting --sink down': () => listed('state=waiting&sink=down'),
    '--state waiting --sink none': () => listed('state=waiting&sink=none'),
    '--state dead --sink down': () => listed('state=dead&sink=down'),
    '--state dead --sink none': () => listed('state=dead&sink=none'),
    '--state delivered': () => listed('state=delivered'),
    '--reason none': () => listed('reason=none'),
    '--sink down': () => listed('sink=down'),
    '--sink none': () => listed('sink=none'),
    'events show, the sender’s id': () => timed(() => call(`/api/events/${first.eventId}`)),
    'events show, the bridge’s id': () => timed(() => call(`/api/events/${first.event}`)),
    '/metrics': () => timed(() => call('/metrics')),
    ...(shape === 'dead' ? { 'replay ID': () => timed(() => call('/api/replay', { ids: [first.id] })) } : {}),
    ...(shape === 'dead' ? { 'replay --sink down --state dead': () => timed(() => replayed(bridge)) } : {}),
  };
  const lines = [];
  for (const [name, ask] of Object.entries(questions)) {
    let over = false;
    const all = [];
    const answered = [];
    const loading = (async () => {
      while (!over) answered.push(...(await load(bridge.url, { perSecond: RATE, seconds: 1, sentAt })));
    })();
    // Often enough to see what it does to the events beside it.
    const began = performance.now();
    do all.push(await ask());
    while (!name.startsWith('replay') && performance.now() - began < 2_000);
    over = true;
    await loading;
    const totals = all.map(({ pages }) => pages.reduce((sum, ms) => sum + ms, 0));
    const slowest = Math.max(...all.flatMap(({ pages }) => pages));
    lines.push([
      name,
      all[0].rows,
      all[0].pages.length,
      rounded(median(totals)),
      rounded(slowest),
      rounded(quantile(answered, 0.5)),
      rounded(quantile(answered, 0.99)),
    ]);
  }
  const rss = bridge.rssMb();
  await bridge.stop();
  console.log(`\n${shape}: what operators ask, at ${RATE} fresh events a second (RSS after all: ${rss} MB)\n`);
  table(['', 'rows', 'pages', 'ms', 'slowest page, ms', 'ingest p50, ms', 'ingest p99, ms'], lines);
  await readsBeside(shape);
}

async function replayed(bridge) {
  const child = spawn(process.execPath, [MAIN, 'replay', '--sink', 'down', '--state', 'dead', '--config', bridge.config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
}

/** How long a lane waits for what is due, alone and beside the heaviest questions. */
async function readsBeside(shape) {
  const telemetry = { committed: () => undefined, storeFailing: () => undefined, storeRecovered: () => undefined };
  const store = await openSqliteStore({ path: file(shape), limits: { retentionMs: 7 * 86_400_000, dedupWindowMs: 86_400_000 }, telemetry });
  const beside = {
    alone: () => sleep(10),
    'a listing that matches nothing': () => store.deliveries({ sink: 'none' }, 100, null),
    'waiting of one sink': () => store.deliveries({ state: 'waiting', sink: 'none' }, 100, null),
    counts: () => store.stats(),
  };
  const lines = [];
  for (const [name, ask] of Object.entries(beside)) {
    let over = false;
    const asking = (async () => {
      while (!over) await ask();
    })();
    const reads = [];
    const began = performance.now();
    while (performance.now() - began < 2_000) {
      const read = performance.now();
      await store.due('down', Date.now(), 200, new Set());
      reads.push(performance.now() - read);
      await sleep(5);
    }
    over = true;
    await asking;
    lines.push([name, rounded(quantile(reads, 0.5)), rounded(quantile(reads, 0.99)), rounded(Math.max(...reads))]);
  }
  await store.close();
  console.log('\nA page of 200 that is due, read beside');
  table(['', 'p50, ms', 'p99, ms', 'max, ms'], lines);
}

function file(shape) {
  return join(values.files ?? folder, `${shape}.db`);
}
