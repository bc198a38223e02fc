import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { guard } from '../guard.js';

export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;

/** What a command printed, and its exit code. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder with a configuration, and the built bridge that serves it. */
export interface Served {
  readonly folder: string;
  readonly url: string;
  readonly operations: string;
  /** The configuration's file. */
  readonly config: string;
  /** The file with another configuration, as `served` takes it: written whole, or not at all. A running bridge goes on with the old one. */
  write(yaml: string): void;
  /** The whole text that `write` puts into the file. */
  text(yaml: string): string;
  /** Runs one command of the CLI against this bridge. */
  run(...args: readonly string[]): Promise<Ran>;
  /** The same in this process: at once, where a process takes a second to start. */
  here(...args: readonly string[]): Promise<Ran>;
  /** Starts the process, and waits until it is ready. */
  start(): Promise<void>;
  /** Starts the process, with further options of `serve`, and waits for nothing. */
  spawn(...more: readonly string[]): void;
  /** Waits until it is ready; rejects where the process has ended. */
  ready(): Promise<void>;
  /** Does it listen, ready or not? */
  isUp(): Promise<boolean>;
  /** Of the process that was started last. */
  pid(): number;
  signal(name: NodeJS.Signals): void;
  /** How a process that nobody stopped has ended; null: it has not. */
  ended(): string | null;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** What the bridge wrote to standard output and to its log since the first start. */
  readonly output: { stdout: string; stderr: string };
  cleanUp(): Promise<void>;
}

/** How it is served. */
export interface ServedOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of the database; without it, one of its own. */
  readonly data?: string;
  readonly logLevel?: string;
}

/** The end of what a process wrote: load writes much. */
const OUTPUT_CHARS_MAX = 4_000_000;

/** `yaml` is the configuration without its listeners and its store. */
export async function served(yaml: string, { env = {}, data, logLevel = 'info' }: ServedOptions = {}): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-e2e-'));
  const [port, operationsPort] = [await freePort(), await freePort()];
  const config = join(folder, 'bridge.yaml');
  const head = [
    `server: { host: 127.0.0.1, port: ${port} }`,
    `operations: { port: ${operationsPort} }`,
    `storage: { path: ${data ?? `${folder}/data`}/bridge.db }`,
  ];
  const text = (parts: string): string => `${head.join('\n')}\n${parts}`;
  const write = (parts: string): void => {
    writeFileSync(`${config}.next`, text(parts));
    renameSync(`${config}.next`, config);
  };
  write(yaml);
  const operations = `http://127.0.0.1:${operationsPort}`;
  const output = { stdout: '', stderr: '' };
  let child: ChildProcess | null = null;

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const exited = once(ending, 'exit') as Promise<[number | null]>;
    ending.kill(signal);
    return (await exited)[0];
  };

  const spawned = (...more: readonly string[]): void => {
    const args = [MAIN, 'serve', '--config', config, '--log-level', logLevel, ...more];
    child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const guarding = guard('kill -9 "$1"', String(child.pid));
    child.once('exit', () => guarding.release());
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.on('data', (text) => {
        output[name] += String(text);
        if (output[name].length > 2 * OUTPUT_CHARS_MAX) output[name] = output[name].slice(-OUTPUT_CHARS_MAX);
      });
  };
  const ended = (): string | null => {
    if (child === null || (child.exitCode === null && child.signalCode === null)) return null;
    return `the bridge ended (${child.exitCode ?? child.signalCode}): ${output.stderr.slice(-2_000)}`;
  };
  const answers = (path: string): Promise<boolean> =>
    // One that is never answered must not end the asking.
    fetch(`${operations}${path}`, { signal: AbortSignal.timeout(5_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
  const ready = (): Promise<void> =>
    until(() => {
      const how = ended();
      if (how !== null) throw new Error(how);
      return answers('/readyz');
    });

  return {
    folder,
    url: `http://127.0.0.1:${port}/webhooks/castai`,
    operations,
    output,
    config,
    write,
    text,
    run: (...args) => run([...args, '--config', config], env),
    here: (...args) => here([...args, '--config', config], env),
    start: () => {
      spawned();
      return ready();
    },
    spawn: spawned,
    ready,
    isUp: () => answers('/healthz'),
    pid: () => child?.pid ?? 0,
    signal: (name) => void child?.kill(name),
    ended,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
    cleanUp: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Posts one body as Cast AI signs it at `nowMs`; `tamper` is added after it was signed. */
export async function postSigned(
  url: string,
  secret: string,
  body: Buffer,
  tamper = '',
  nowMs = Date.now(),
): Promise<{ status: number; body: string }> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  const headers = { 'x-castai-timestamp': timestamp, 'x-castai-signature': signature };
  const answer = await fetch(url, { method: 'POST', headers, body: Buffer.concat([body, Buffer.from(tamper)]) });
  return { status: answer.status, body: await answer.text() };
}

/** Runs the built CLI to its end. */
export async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => (err += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** A command line, run by the source in this process. It must be none that stays, and none that reads or writes what only a process has: the console, standard input. */
export async function here(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { run: runHere } = await import('../../src/cli/program.js');
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const listening = process.listeners('SIGINT');
  const code = await runHere([process.execPath, MAIN, ...args], { ...process.env, ...env }, { stdout, stderr });
  for (const listener of process.listeners('SIGINT')) if (!listening.includes(listener)) process.off('SIGINT', listener);
  const [out, err] = [stdout, stderr].map((stream) => String((stream.end().read() as Buffer | null) ?? ''));
  return { code, out: out ?? '', err: err ?? '' };
}

/** A row of the operators' listing, as far as tests look at it. */
export interface ListedDelivery {
  readonly id: string;
  readonly route: string | null;
  readonly sink: string | null;
  readonly state: string;
  readonly reason: string | null;
}

/** All deliveries that a filter selects, by the operators' API: a process for each look costs more than what is looked at. */
export async function deliveriesOf({ operations }: Pick<Served, 'operations'>, filter: Readonly<Record<string, string>>): Promise<ListedDelivery[]> {
  const found: ListedDelivery[] = [];
  let before: string | null | undefined = null;
  do {
    const query = new URLSearchParams({ ...filter, limit: '500', ...(before === null ? {} : { before }) });
    const answer = await fetch(`${operations}/api/deliveries?${query.toString()}`);
    const page = (await answer.json()) as { deliveries: ListedDelivery[]; next: string | null };
    found.push(...page.deliveries);
    before = page.next;
  } while (before !== null);
  return found;
}

/** Waits for a fact. The test's own timeout ends what never becomes true. */
export async function until(fact: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fact())) await new Promise((resolve) => setTimeout(resolve, 25));
}

/** Below the ports that outgoing connections use: one of them could sit there when the bridge starts again. */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 20_000);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
