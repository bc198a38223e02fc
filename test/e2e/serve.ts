import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  /** Runs one command of the CLI against this bridge. */
  run(...args: readonly string[]): Promise<Ran>;
  /** The file with another configuration, as `served` takes it: written whole, or not at all. */
  write(yaml: string): void;
  start(): Promise<void>;
  /** Of the process that was started last. */
  pid(): number;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** What the bridge wrote to standard output and to its log since the first start. */
  readonly output: { stdout: string; stderr: string };
  cleanUp(): Promise<void>;
}

/** `yaml` is the configuration without its listeners and its store. */
export async function served(yaml: string): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-e2e-'));
  const [port, operationsPort] = [await freePort(), await freePort()];
  const config = join(folder, 'bridge.yaml');
  const head = [
    `server: { host: 127.0.0.1, port: ${port} }`,
    `operations: { port: ${operationsPort} }`,
    `storage: { path: ${folder}/data/bridge.db }`,
  ];
  const write = (parts: string): void => {
    writeFileSync(`${config}.next`, `${head.join('\n')}\n${parts}`);
    renameSync(`${config}.next`, config);
  };
  write(yaml);
  const operations = `http://127.0.0.1:${operationsPort}`;
  const output = { stdout: '', stderr: '' };
  let child: ChildProcess | null = null;

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null) return ending?.exitCode ?? null;
    const exited = once(ending, 'exit') as Promise<[number | null]>;
    ending.kill(signal);
    return (await exited)[0];
  };

  const start = async (): Promise<void> => {
    const starting = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    starting.stdout.on('data', (text) => (output.stdout += String(text)));
    starting.stderr.on('data', (text) => (output.stderr += String(text)));
    child = starting;
    await until(async () => {
      if (starting.exitCode !== null) throw new Error(`the bridge ended: ${output.stderr}`);
      return fetch(`${operations}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  };

  return {
    folder,
    url: `http://127.0.0.1:${port}/webhooks/castai`,
    operations,
    output,
    run: (...args) => run([...args, '--config', config]),
    write,
    start,
    pid: () => child?.pid ?? 0,
    signal: (signal) => void child?.kill(signal),
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

/** Posts one body as Cast AI signs it; `tamper` is added after it was signed. */
export async function postSigned(url: string, secret: string, body: Buffer, tamper = ''): Promise<{ status: number; body: string }> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
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

/** Waits for a fact. The test's own timeout ends what never becomes true. */
export async function until(fact: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fact())) await new Promise((resolve) => setTimeout(resolve, 25));
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
