import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { guard } from '../test/guard.js';
import { document, type Ran } from './document.js';
import { parts } from './parts/index.js';
import { coreSpeedUs, environment } from './rig/environment.js';
import { shown } from './rig/figures.js';
import { endAll } from './rig/process.js';
import type { Part, Rig } from './rig/rig.js';

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly dir: string;
  readonly write?: string;
  readonly json: boolean;
}

/** A page of less is none for `docs/`. */
const [ROUNDS, SECONDS] = [5, 4];

const program = new Command('npm run bench --')
  .description('Measures the built bridge, and what it is compared with, in one run. Prints a page of Markdown.')
  .argument('[parts...]', `all of them, or some: ${parts.map(({ name }) => name).join(', ')}`)
  .option('--rounds <n>', 'of every variant, in turn; medians are shown', number, ROUNDS)
  .option('--seconds <n>', 'of load in each round', number, SECONDS)
  .option('--dir <folder>', 'where databases are made; the growth part needs 6 GB', writableFolder, tmpdir())
  .option('--json', 'prints every round of every variant as JSON instead', false)
  .addOption(new Option('--write <file>', 'writes the page as well: docs/benchmarks.md').argParser(writableFile).conflicts('quick'))
  .option('--quick', 'one short round of everything, and sizes of a hundredth: do all parts work? Its figures mean nothing', false)
  .addHelpText('after', `\nParts:\n${parts.map(({ name, about }) => `  ${name.padEnd(8)}  ${about}`).join('\n')}`)
  .addHelpText('after', '\nExit codes: 0 measured, 1 a part failed, 2 wrong usage, 130 interrupted. `npm run -s bench` leaves npm’s own lines out.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const options = program.opts<Options>();
const asked = program.args.map(named);
const chosen = asked.length === 0 ? parts : parts.filter((part) => asked.includes(part));
const whole = chosen === parts && !options.quick && options.rounds >= ROUNDS && options.seconds >= SECONDS;
if (options.write !== undefined && !whole)
  program.error(`error: a page is of all parts, ${ROUNDS} rounds or more of ${SECONDS} s or more: leave --write out, or what makes it less.`);

const folder = mkdtempSync(join(options.dir, 'castbridge-bench-'));
const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : folder, 'castbridge-bench-'));
const guarding = guard('rm -rf "$@"', folder, memory);
const cleanUp = async (): Promise<void> => {
  await endAll();
  for (const made of [folder, memory]) rmSync(made, { recursive: true, force: true });
  guarding.release();
};
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true;
    console.error('interrupted: nothing is written');
    void cleanUp().finally(() => process.exit(130));
  });

const beganMs = performance.now();
const environs = await environment(realpathSync(options.dir));
// As they are now: the run takes an hour.
const notes = readFileSync(new URL('notes.md', import.meta.url), 'utf8');
const { quick } = options;
const [rounds, seconds] = quick ? [1, 1] : [options.rounds, options.seconds];
const ran: Ran[] = [];
const speeds: number[] = [];
try {
  for (const [at, part] of chosen.entries()) {
    speeds.push(coreSpeedUs());
    ran.push(await runPart(part, at));
  }
  speeds.push(coreSpeedUs());
} finally {
  await cleanUp();
}
const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
const facts = {
  ...environs,
  Rounds: `${rounds}, of ${seconds} s of load each`,
  'Speed of a core': `an HMAC-SHA256 over 1 KB took ${speeds.map(shown).join(', ')} µs of CPU, before each part and at the end`,
};
const page = document({ command, whole, quick, facts, ran, minutes: minutes(), notes });
console.log(options.json ? JSON.stringify({ command, quick, facts, parts: ran }, null, 2) : page);
const lacking = ran.filter(({ section }) => section === null).map(({ name }) => name);
if (options.write !== undefined) {
  if (lacking.length === 0) writeFileSync(options.write, page);
  else console.error(`${options.write} is as it was: the page would lack ${lacking.join(', ')}.`);
}
process.exit(ran.some(({ error }) => error !== null) ? 1 : 0);

async function runPart(part: Part, at: number): Promise<Ran> {
  const began = minutes();
  const say = (text: string): void =>
    console.error(`[${minutes().toFixed(1)} min, part ${at + 1} of ${chosen.length}${left(at, began)}] ${part.name}: ${text}`);
  const { name, title } = part;
  const missing = await part.missing();
  if (missing !== null) {
    say(`left out: ${missing}`);
    return { name, title, section: null, missing, error: null };
  }
  const rig: Rig = {
    rounds,
    seconds,
    warmSeconds: quick ? 1 : 2,
    quick,
    folder,
    memory,
    secret: randomBytes(32).toString('hex'),
    say,
  };
  try {
    return { name, title, section: await part.run(rig), missing: null, error: null };
  } catch (error) {
    // What it ended takes the part down with it.
    if (interrupted) await new Promise(() => undefined);
    await endAll();
    say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { name, title, section: null, missing: null, error: error instanceof Error ? error.message : String(error) };
  }
}

/** By what the parts before have taken of what they were expected to. */
function left(at: number, began: number): string {
  const weight = (some: readonly Part[]): number => some.reduce((sum, one) => sum + one.weight, 0);
  const done = weight(chosen.slice(0, at));
  const expected = (began / done) * weight(chosen.slice(at)) - (minutes() - began);
  return done === 0 ? '' : `, about ${Math.max(expected, 0).toFixed(0)} min left`;
}

function minutes(): number {
  return (performance.now() - beganMs) / 60_000;
}

function named(name: string): Part {
  return parts.find((part) => part.name === name) ?? program.error(`error: there is no part "${name}": --help lists them`);
}

/** Known before the hour, not after it. */
function writableFile(path: string): string {
  if (!path.endsWith('.md')) throw new InvalidArgumentError('it must be a file that ends with .md.');
  writableFolder(dirname(path));
  if (existsSync(path)) writable(path, (found) => found.isFile(), 'a file');
  return path;
}

function writableFolder(path: string): string {
  return writable(path, (found) => found.isDirectory(), 'a folder');
}

function writable(path: string, isKind: (found: Stats) => boolean, kind: string): string {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new InvalidArgumentError(`${path} must be ${kind} that can be written to (${(error as Error).message}).`);
  }
  if (!isKind(statSync(path))) throw new InvalidArgumentError(`${path} must be ${kind}.`);
  return path;
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('it must be a whole number from 1 on.');
  return value;
}
