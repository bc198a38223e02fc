// What routing an event costs as the table grows, and what loading such a table costs, first and again without a change.
// In time of the processor, so that what else the machine does weighs little. Prints JSON lines.
import { parseArgs } from 'node:util';
import { parseConfig } from '../dist/config/load.js';
import { kinds } from '../dist/kinds.js';

const HELP = `Usage: npm run build && node bench/routing.mjs [options]
  --rows 10,100,1000,10000
  --tables type,cluster,where,glob   what the rows differ by; each has a condition in CEL, too
  --seconds 0.5         of each round
  --rounds 5            the median is printed
  --help`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10,100,1000,10000' },
    tables: { type: 'string', default: 'type,cluster,where,glob' },
    seconds: { type: 'string', default: '0.5' },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const condition = (n) => `event.severity != "info" && !event.name.startsWith("Trial${n}")`;
const ROW = {
  type: (n) => `match: { type: resource.t${n} }, where: '${condition(n)}'`,
  cluster: (n) => `match: { type: "*", cluster: c-${n} }, where: '${condition(n)}'`,
  where: (n) => `where: '${condition(n)} && event.cluster.name == "c-${n}"'`,
  glob: (n) => `match: { type: "resource.t${n}-*" }, where: '${condition(n)}'`,
};
const tables = values.tables.split(',');
const unknown = tables.filter((table) => !(table in ROW));
if (unknown.length > 0) {
  console.error(`there is no table ${unknown.join(', ')}: use ${Object.keys(ROW).join(', ')}`);
  process.exit(2);
}

const rounds = Number(values.rounds);
for (const table of tables) {
  for (const rows of values.rows.split(',').map(Number)) {
    const text = yaml(table, rows);
    const loadMs = [];
    const reloadMs = [];
    let config = load(text);
    for (let round = 0; round < rounds; round++) {
      // Another text each time, so that no condition is known from the round before.
      const changed = text.replaceAll('"Trial', `"Trial${round}-`);
      loadMs.push(cpuMs(() => (config = load(changed))));
      reloadMs.push(cpuMs(() => (config = load(changed))));
    }
    drive(table, config.table, rows);
    const eventUs = Array.from({ length: rounds }, () => drive(table, config.table, rows));
    console.log(
      JSON.stringify({
        table,
        rows,
        eventUs: rounded(median(eventUs), 2),
        loadMs: rounded(median(loadMs), 0),
        reloadMs: rounded(median(reloadMs), 0),
      }),
    );
  }
}

/** Microseconds an event, each of which one row takes. */
function drive(kind, table, rows) {
  const until = performance.now() + Number(values.seconds) * 1_000;
  let events = 0;
  const spentMs = cpuMs(() => {
    while (performance.now() < until) {
      for (let n = 0; n < 10; n++) {
        // A prime, so that the rows come in no order.
        if (table.route(event(kind, (events * 7_919) % rows)).matched.length !== 1) throw new Error('an event was not taken by one row');
        events++;
      }
    }
  });
  return (spentMs * 1_000) / events;
}

function cpuMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** A new one each time, as the ingress makes it. */
function event(table, n) {
  return {
    id: `evt_${n}`,
    source: 'castai',
    type: table === 'glob' ? `resource.t${n}-x` : `resource.t${n}`,
    severity: 'critical',
    name: 'Node deletion failed',
    message: null,
    cluster: { id: null, name: `c-${n}` },
    time: null,
    receivedAt: '2026-01-01T00:00:00.000Z',
    data: {},
    body: {},
  };
}

function yaml(table, rows) {
  const lines = Array.from({ length: rows }, (_, n) => `  - { name: r${n}, ${ROW[table](n)}, to: [out] }`);
  return [
    'sources: { castai: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }',
    'sinks: { out: { type: console } }',
    'routes:',
    ...lines,
    '',
  ].join('\n');
}

function load(text) {
  const loaded = parseConfig(text, 'bench.yaml', {}, kinds);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems[0]));
  return loaded.config;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function rounded(number, digits) {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
