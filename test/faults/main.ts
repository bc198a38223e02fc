import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { randomFrom } from '../random.js';
import type { Fault } from './fault.js';
import { createBrokers, type Brokers } from './kafka.js';
import { matrix } from './matrix/index.js';
import { ableHere } from './needs.js';
import { document, table, type Ran } from './report.js';
import { runFaults } from './run.js';

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly only?: string;
  readonly runs?: number;
  readonly kills: number;
  readonly write?: string;
}

const program = new Command('npm run faults --')
  .description('Runs the built bridge through every fault, alone and mixed, and says what became of every acknowledged event.')
  .option('--minutes <n>', 'how long; every fault runs once at least, which takes about 25', number, 10)
  .option(
    '--seed <n>',
    'decides the order, the mixtures and the moments; a run prints its own, which repeats it with --only',
    number,
    Date.now() % 1e9,
  )
  .option('--only <names>', 'these faults alone; with + between them, at once: "kill -9 under load + the disk full, then freed"')
  .option('--runs <n>', 'with --only: how often, with seeds that follow each other', number, 1)
  .option('--kills <n>', 'how often a run kills the process, where that is its fault', number, 12)
  .option('--write <file>', 'writes the table as a page: docs/faults.md')
  .addHelpText('after', `\nFaults:\n${matrix.map(({ name }) => `  ${name}`).join('\n')}\n\nExit codes: 0 nothing was lost, 1 something was.`)
  .parse();
const options = program.opts<Options>();
const { able, leftOut, kafka } = await ableHere();
for (const line of leftOut) console.error(`left out, ${line}`);

const random = randomFrom(options.seed);
const beganMs = performance.now();
const ran: Ran[] = [];
let broken = 0;
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
const brokers = kafka ? createBrokers() : null;
try {
  console.error(`seed ${options.seed}`);
  for (const { faults, seed } of plan(options)) {
    if (interrupted.signal.aborted) break;
    await runOne(faults, seed, brokers).catch((error: unknown) => {
      broken += 1;
      console.error(`the run itself broke: ${error instanceof Error ? error.stack : String(error)}`);
    });
  }
} finally {
  await brokers?.close();
}
console.log(table(ran));
const command = `npm run faults -- --minutes ${options.minutes} --seed ${options.seed}`;
if (options.write !== undefined) writeFileSync(options.write, document(ran, command, minutesSince(beganMs)));
process.exitCode = broken > 0 || ran.some(({ result }) => result.faults.length > 0) ? 1 : 0;

/** With `only`, what it names. Otherwise round after round of all faults in a new order, every third run a mixture, until the time is up. */
function* plan({ only, runs = 1, seed, minutes }: Options): Generator<{ faults: readonly Fault[]; seed: number }> {
  if (only !== undefined) {
    const faults = only.split(' + ').map(named);
    for (let run = 0; run < runs; run++) yield { faults, seed: seed + run };
    return;
  }
  for (let run = 1, round = 0; round === 0 || minutesSince(beganMs) < minutes; round++)
    for (const fault of shuffled(able)) {
      if (round > 0 && minutesSince(beganMs) >= minutes) return;
      yield { faults: [fault], seed: seed + run++ };
      if (run % 3 === 0) yield { faults: mixture(), seed: seed + run++ };
    }
}

async function runOne(faults: readonly Fault[], seed: number, kafka: Brokers | null): Promise<void> {
  const name = faults.map((fault) => fault.name).join(' + ');
  const result = await runFaults(faults, seed, kafka, options.kills);
  ran.push({ faults, result });
  const { acknowledged, lost, duplicated, recoverMs, durationMs } = result;
  const figures = `acknowledged ${acknowledged}, lost ${lost}, duplicated ${duplicated}, recovered in ${seconds(recoverMs)} s, ${seconds(durationMs)} s in all`;
  console.error(`[${minutesSince(beganMs).toFixed(1)} min] ${name}: ${figures}${result.faults.length > 0 ? ' — FAILED' : ''}`);
  for (const line of result.faults.slice(0, 10)) console.error(`    ${line}`);
  if (result.faults.length > 0) console.error(`    again: npm run faults -- --only '${name}' --seed ${seed} --kills ${options.kills}`);
}

/** Two to four faults of different parts. */
function mixture(): Fault[] {
  const count = 2 + Math.floor(random() * 3);
  const picked: Fault[] = [];
  for (const fault of shuffled(able))
    if (picked.length < count && fault.mixes !== false && !picked.some(({ part }) => part === fault.part)) picked.push(fault);
  return picked;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const keyed = items.map((item) => ({ item, at: random() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

function named(name: string): Fault {
  const fault = able.find((one) => one.name === name.trim()) ?? able.find((one) => one.name.includes(name.trim()));
  return fault ?? program.error(`no fault is named "${name}": --help lists them`, { exitCode: 2 });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('it is a number from 0 on.');
  return value;
}

function minutesSince(ms: number): number {
  return (performance.now() - ms) / 60_000;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
