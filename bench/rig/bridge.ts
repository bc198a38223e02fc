import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATH } from './events.js';
import { freePort, sleep, startChild, until, usageOf, type Usage } from './process.js';

/** The built bridge in a process of its own, on a folder of its own. */
export interface Bridge {
  readonly url: string;
  readonly pid: number;
  readonly database: string;
  /** From its start until it was ready. */
  readonly readyMs: number;
  /** What it had used until then. */
  readonly started: Usage;
  metrics(): Promise<Metrics>;
  /** Resolves when what was under way has come in, and nothing waits for the sink. Looks in a way that is cheap for the bridge. */
  quiet(sink: string): Promise<void>;
  /** Throws where a delivery died, or an event was a duplicate. */
  insistOnSpeed(): Promise<void>;
  kill(): Promise<void>;
  /** Once more, after `kill`. */
  start(): Promise<void>;
  /** SIGTERM; the database is there until `remove`. */
  stop(): Promise<void>;
  remove(): void;
}

export interface BridgeOptions {
  readonly secret: string;
  /** The YAML of its sinks and routes. */
  readonly yaml: string;
  /** A database that is there already; it is not removed. */
  readonly database?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the console sink writes to. */
  readonly stdout?: string;
  /** Told of the process before it is ready. */
  readonly spawned?: (pid: number) => void;
}

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
/** What is under way when a load ends has come in by then. */
export const UNDER_WAY_MS = 300;

/** Log level and everything else are the defaults; both its streams end in /dev/null. */
export async function startBridge(
  parent: string,
  { secret, yaml, database, env = {}, stdout = '/dev/null', spawned }: BridgeOptions,
): Promise<Bridge> {
  const folder = mkdtempSync(join(parent, 'bridge-'));
  const [port, operationsPort] = [await freePort(), await freePort()];
  const path = database ?? join(folder, 'bridge.db');
  const config = join(folder, 'bridge.yaml');
  writeFileSync(
    config,
    `server: { host: 127.0.0.1, port: ${port} }
operations: { port: ${operationsPort} }
storage: { path: ${path} }
sources: { castai: { path: ${PATH}, verify: { type: castai, secrets: ["${secret}"] }, format: castai-event } }
${yaml}`,
  );
  const operations = `http://127.0.0.1:${operationsPort}`;
  const startProcess = () => {
    const [out, err] = [openSync(stdout, 'a'), openSync('/dev/null', 'w')];
    const child = startChild(process.execPath, [MAIN, 'serve', '--config', config], { env: { ...process.env, ...env }, stdio: ['ignore', out, err] });
    closeSync(out);
    closeSync(err);
    return child;
  };
  let child = startProcess();
  spawned?.(child.pid);
  const ready = (): Promise<void> =>
    until('the bridge is ready', async () => {
      const ended = child.ended();
      if (ended !== null) throw new Error(`${ended}: ${spawnSync(process.execPath, [MAIN, 'check', config], { encoding: 'utf8' }).stdout}`);
      return fetch(`${operations}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  const startedMs = performance.now();
  await ready();
  const metrics = async (): Promise<Metrics> => new Metrics(await (await fetch(`${operations}/metrics`)).text());
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    get pid() {
      return child.pid;
    },
    database: path,
    readyMs: performance.now() - startedMs,
    started: usageOf([child.pid]),
    metrics,
    quiet: async (sink) => {
      await sleep(UNDER_WAY_MS);
      await until(`nothing waits for ${sink}`, async () => {
        const answer = await fetch(`${operations}/api/deliveries?state=waiting&sink=${sink}&limit=1`);
        const { deliveries, next } = (await answer.json()) as { deliveries: unknown[]; next: string | null };
        return deliveries.length === 0 && next === null;
      });
    },
    insistOnSpeed: async () => {
      const now = await metrics();
      const [dead, duplicates] = [now.sum('deliveries_total', 'state="dead"'), now.sum('events_duplicate_total')];
      if (dead > 0) throw new Error(`${dead} deliveries are dead: a run that loses something has no speed`);
      if (duplicates > 0) throw new Error(`${duplicates} events were sent twice: they are cheaper`);
    },
    kill: () => child.end('SIGKILL'),
    start: () => {
      child = startProcess();
      return ready();
    },
    stop: () => child.end(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What `/metrics` said. */
export class Metrics {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split('\n');
  }

  /** Over all its labels, or those with `label`. */
  sum(name: string, label = ''): number {
    return this.#lines
      .filter((line) => (line.startsWith(`castbridge_${name}{`) || line.startsWith(`castbridge_${name} `)) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}
