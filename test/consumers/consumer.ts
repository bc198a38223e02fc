import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guard } from '../guard.js';
import { classPath } from '../kafka/jars.js';

const FOLDER = new URL('../../docs/consumers/', import.meta.url).pathname;

/** A consumer of the documentation, in the language that it is written in. */
export interface Language {
  readonly name: string;
  readonly file: string;
  /** Why it cannot run here; null: it can. */
  readonly missing: string | null;
  readonly command: () => Promise<readonly string[]>;
}

/** A consumer that runs, as a process of its own. */
export interface Running {
  /** Delivery ids in the order in which they were handled. */
  readonly handled: () => readonly string[];
  /** Throws where it has ended by itself. */
  readonly alive: () => void;
  readonly kill: () => Promise<void>;
}

export const LANGUAGES: readonly Language[] = [
  { name: 'Node', file: 'consumer.mjs', missing: null, command: () => Promise.resolve([process.execPath]) },
  {
    name: 'Java',
    file: 'Consumer.java',
    missing: fails('javac', '-version') ? 'there is no javac' : null,
    command: async () => ['java', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', await classPath()],
  },
  {
    name: 'Python',
    file: 'consumer.py',
    missing: fails('python3', '-c', 'import confluent_kafka') ? 'python3 has no confluent_kafka' : null,
    command: () => Promise.resolve(['python3']),
  },
];

/** Is there nothing of this name, or does it end with a fault? */
export function fails(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status !== 0;
}

/** Is this file of the documentation Python? Its byte code goes nowhere. */
export function compiles(file: string): boolean {
  const env = { ...process.env, PYTHONPYCACHEPREFIX: join(tmpdir(), 'castbridge-pycache') };
  return spawnSync('python3', ['-m', 'py_compile', FOLDER + file], { env, stdio: 'ignore' }).status === 0;
}

/** Runs a file of the documentation as it is. */
export async function startConsumer({ file, command }: Language, env: Readonly<Record<string, string>>): Promise<Running> {
  const [program = '', ...args] = await command();
  const child = spawn(program, [...args, FOLDER + file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const guarding = guard('kill -9 "$1"', String(child.pid));
  child.once('exit', () => guarding.release());
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => (err += String(text)));
  return {
    handled: () =>
      out
        .split('\n')
        .slice(0, -1)
        // kafkajs logs to standard output.
        .filter((line) => !line.startsWith('{'))
        .map((line) => line.split(' ')[0] ?? ''),
    alive: () => {
      if (hasEnded(child)) throw new Error(`the consumer ended (${child.exitCode ?? child.signalCode}): ${err.slice(-2_000)}`);
    },
    kill: async () => {
      if (hasEnded(child)) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
