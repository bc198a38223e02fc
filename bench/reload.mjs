// What a reload costs the events that come in meanwhile, and what looking for changes costs a bridge that does nothing. Prints Markdown tables.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { best, load, median, quantile, rounded, sleep, startBridge, startReceiver, table } from './rig.mjs';

const HELP = `Usage: npm run build && node bench/reload.mjs [options]
  --rows 10,100,1000,10000
  --changed no-reload,none,one,all  rows that differ from reload to reload; \`no-reload\`: there is none
  --rounds 2        of each case, in turn; the best is shown: what else the machine does only adds; 0: not measured
  --rate 200        events a second
  --seconds 8       of them in each round
  --reloads 4       in that time, evenly spread, by POST /-/reload
  --idle 60         seconds without events, for the CPU with and without --no-watch; 0: not measured
  --dir DIR         where the files are made (${tmpdir()})
  --help`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10,100,1000,10000' },
    changed: { type: 'string', default: 'no-reload,none,one,all' },
    rounds: { type: 'string', default: '2' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '8' },
    reloads: { type: 'string', default: '4' },
    idle: { type: 'string', default: '60' },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const [ROUNDS, RATE, SECONDS, RELOADS, IDLE] = ['rounds', 'rate', 'seconds', 'reloads', 'idle'].map((name) => Number(values[name]));
const SIZES = values.rows.split(',').map(Number);
const folder = mkdtempSync(join(values.dir, 'castbridge-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(1));
let bridges = 0;
let versions = 0;

if (ROUNDS > 0) await reloads();
if (IDLE > 0) await idle();

async function reloads() {
  const cases = SIZES.flatMap((rows) => values.changed.split(',').map((changed) => ({ rows, changed, runs: [] })));
  for (let round = 0; round < ROUNDS; round++) for (const one of cases) one.runs.push(await measured(one));
  const measures = ['ingest p50', 'ingest p99', 'ingest longest', 'loop delay longest', 'reload median'];
  table(
    ['rows', 'changed', ...measures.map((measure) => `${measure}, ms`)],
    cases.map(({ rows, changed, runs }) => [rows, changed, ...measures.map((measure) => shown(best(runs.map((run) => run[measure]))))]),
  );
}

async function measured({ rows, changed }) {
  const sentAt = new Map();
  const receiver = await startReceiver(sentAt);
  const first = version();
  // Made before the load: what it takes must not weigh on the times.
  const texts = Array.from({ length: changed === 'no-reload' ? 0 : RELOADS }, () => yaml(receiver.url, rows, first, changed));
  const probe = join(folder, `delay-${bridges}`);
  const bridge = await startBridge(folder, join(folder, `${bridges++}.db`), yaml(receiver.url, rows, first, 'none'), {
    flags: ['--no-watch'],
    env: { NODE_OPTIONS: `--import ${fileURLToPath(new URL('loop-delay.mjs', import.meta.url))}`, BENCH_LOOP_DELAY: probe },
  });
  await load(bridge.url, { perSecond: RATE, seconds: 2, sentAt });
  await longestDelay(bridge, probe);
  const [answered, took] = await Promise.all([load(bridge.url, { perSecond: RATE, seconds: SECONDS, sentAt }), reloaded(bridge, texts)]);
  const result = {
    'ingest p50': median(answered),
    'ingest p99': quantile(answered, 0.99),
    'ingest longest': Math.max(...answered),
    'loop delay longest': await longestDelay(bridge, probe),
    'reload median': median(took),
  };
  await bridge.stop();
  receiver.close();
  return result;
}

/** How long each reload took, from the request to the answer. */
async function reloaded(bridge, texts) {
  const took = [];
  const began = performance.now();
  for (const [n, text] of texts.entries()) {
    await sleep(((n + 0.5) / texts.length) * SECONDS * 1_000 - (performance.now() - began));
    bridge.write(text);
    const asked = performance.now();
    const answer = await fetch(`${bridge.operations}/-/reload`, { method: 'POST' });
    if (!answer.ok) throw new Error(`the reload was refused: ${await answer.text()}`);
    took.push(performance.now() - asked);
  }
  return took;
}

/** Of the bridge's event loop, since it was asked last. */
async function longestDelay(bridge, probe) {
  rmSync(probe, { force: true });
  bridge.signal('SIGUSR2');
  for (;;) {
    try {
      return Number(readFileSync(probe, 'utf8'));
    } catch {
      await sleep(5);
    }
  }
}

/** All at once: the time of a process is its own. */
async function idle() {
  const cases = SIZES.filter((_, n) => n === 0 || n === SIZES.length - 1).flatMap((rows) => [[], ['--no-watch']].map((flags) => ({ rows, flags })));
  const running = [];
  for (const { rows, flags } of cases)
    running.push(await startBridge(folder, join(folder, `${bridges++}.db`), yaml('http://127.0.0.1:9/', rows, version(), 'none'), { flags }));
  await sleep(2_000);
  const before = running.map((bridge) => bridge.cpuMs());
  await sleep(IDLE * 1_000);
  const after = running.map((bridge) => bridge.cpuMs());
  for (const bridge of running) await bridge.stop();
  console.log();
  table(
    ['rows', 'watching', `CPU in ${IDLE} s, ms`, 'of one core'],
    cases.map(({ rows, flags }, n) => {
      const ms = after[n] - before[n];
      return [rows, flags.length === 0 ? 'yes' : 'no', ms, `${rounded(ms / IDLE / 10)} %`];
    }),
  );
}

/** Rows that differ by type, each with a condition, and one that takes every event. `first` is what the rows that stay are told apart by. */
function yaml(url, rows, first, changed) {
  const next = version();
  const isChanged = (n) => changed === 'all' || (changed === 'one' && n === Math.floor(rows / 2));
  const row = (n) =>
    `  - { name: row-${n}, match: { type: resource.t${n} }, where: '!event.name.startsWith("Trial${isChanged(n) ? next : first}-${n}")', to: [well] }`;
  return `sinks:
  well: { type: http, url: "${url}" }
routes:
${Array.from({ length: rows - 1 }, (_, n) => row(n)).join('\n')}
  - { name: all, to: [well] }
`;
}

/** Another one each time: a condition that was seen before is not compiled again. */
function version() {
  return versions++;
}

function shown(value) {
  return Number.isNaN(value) ? '' : rounded(value);
}
