// What a bad neighbour costs a sink that is well, and the ingress: rounds without and with it in turn. Prints a Markdown table.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fill, freePort, best, load, quantile, rounded, sleep, startBridge, startHanging, startReceiver, table } from './rig.mjs';

const HELP = `Usage: npm run build && node bench/neighbour.mjs [options]
  --rounds 3       of each case, in turn; the best is shown (what else the machine does only adds), and ratios to the rounds with nobody beside
  --rate 200       fresh events a second, each owed to a sink that is well, and to its neighbour
  --seconds 6      of them in each round
  --retries 100000 due at the start, in the cases with retries
  --cases alone,hangs,refuses,retries,own-retries
  --dir DIR        where the files are made (${tmpdir()})
  --help`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '6' },
    retries: { type: 'string', default: '100000' },
    cases: { type: 'string', default: 'alone,hangs,refuses,retries,own-retries' },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
    receiver: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.receiver) {
  process.on('disconnect', () => process.exit());
  process.send((await startReceiver(new Map())).url);
} else {
  await main();
}

async function main() {
  const folder = mkdtempSync(join(values.dir, 'castbridge-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.on('SIGINT', () => process.exit(1));
  const file = (name) => join(folder, `${name}.db`);
  await fill(file('none'), 0, []);
  await fill(file('neighbour'), Number(values.retries), ['neighbour']);
  await fill(file('well'), Number(values.retries), ['well']);

  // A process of its own: what it takes must not weigh on the receiver that is measured.
  const other = fork(fileURLToPath(import.meta.url), ['--receiver'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [fast] = await once(other, 'message');
  const hanging = await startHanging();
  const refusing = `http://127.0.0.1:${await freePort()}/`;
  /** What waits at the start, and where the neighbour is; null: there is none. */
  const cases = {
    alone: ['nobody beside', 'none', null],
    hangs: ['a neighbour that hangs', 'none', hanging.url],
    refuses: ['a neighbour that refuses', 'none', refusing],
    retries: [`${values.retries} due retries of a neighbour`, 'neighbour', fast],
    'own-retries': [`${values.retries} due retries of its own`, 'well', null],
  };
  const names = values.cases.split(',');
  const runs = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of names) {
      const [, waiting, neighbour] = cases[name];
      copyFileSync(file(waiting), file('round'));
      runs.get(name).push(await measured(folder, file('round'), neighbour));
      for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(`${file('round')}${suffix}`, { force: true });
    }
  }
  other.kill();
  hanging.close();

  const measures = ['ingest p50', 'ingest p99', 'delivery p50', 'delivery p99', 'retries a second'];
  const of = (name, measure) => best(runs.get(name).map((run) => run[measure]));
  table(
    ['ms', ...measures],
    names.map((name) => [
      cases[name][0],
      ...measures.map((measure) => {
        const ratio = measure.startsWith('retries') || name === names[0] ? '' : ` (× ${rounded(of(name, measure) / of(names[0], measure))})`;
        return `${rounded(of(name, measure))}${ratio}`;
      }),
    ]),
  );
}

async function measured(folder, database, neighbour) {
  const sentAt = new Map();
  const receiver = await startReceiver(sentAt);
  const bridge = await startBridge(
    folder,
    database,
    `sinks:
  well: { type: http, url: "${receiver.url}" }
${neighbour === null ? '' : `  neighbour: { type: http, url: "${neighbour}" }`}
routes: [{ to: [well${neighbour === null ? '' : ', neighbour'}] }]
`,
  );
  const began = performance.now();
  await load(bridge.url, { perSecond: Number(values.rate), seconds: 1, sentAt });
  receiver.latencies.length = 0;
  const answered = await load(bridge.url, { perSecond: Number(values.rate), seconds: Number(values.seconds), sentAt });
  while (receiver.latencies.length < answered.length) await sleep(20);
  const result = {
    'ingest p50': quantile(answered, 0.5),
    'ingest p99': quantile(answered, 0.99),
    'delivery p50': quantile(receiver.latencies, 0.5),
    'delivery p99': quantile(receiver.latencies, 0.99),
    'retries a second': (receiver.others() / (performance.now() - began)) * 1_000,
  };
  await bridge.stop();
  receiver.close();
  return result;
}
