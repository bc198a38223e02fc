import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATH } from './events.js';
import { freePort, startChild, steady, until, usageOf, type Usage } from './process.js';

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
  /** Resolves when nothing comes in any more, so many deliveries as events were accepted (and `more`) are delivered since its start, and none waits (but those of `except`). */
  quiet(options?: { readonly more?: number; readonly except?: string }): Promise<Metrics>;
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
}

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
/** Seldom: each look costs the bridge a millisecond or two. */
const LOOK_MS = 200;

/** Log level and everything else are the defaults; both its streams end in /dev/null. */
export async function startBridge(parent: string, { secret, yaml, database, env = {}, stdout = '/dev/null' }: BridgeOptions): Promise<Bridge> {
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
  const spawned = () => {
    const [out, err] = [openSync(stdout, 'a'), openSync('/dev/null', 'w')];
    const child = startChild(process.execPath, [MAIN, 'serve', '--config', config], { env: { ...process.env, ...env }, stdio: ['ignore', out, err] });
    closeSync(out);
    closeSync(err);
    return child;
  };
  let child = spawned();
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
    quiet: async ({ more = 0, except = '' } = {}) => {
      let now = await steady(metrics, (a, b) => a.accepted === b.accepted);
      await until(
        `${now.accepted + more} deliveries`,
        async () => {
          now = await metrics();
          const dead = now.sum('deliveries_total', 'state="dead"');
          if (dead > 0) throw new Error(`${dead} deliveries are dead: a run that loses something has no speed`);
          const waiting = now.sum('deliveries_waiting') - (except === '' ? 0 : now.sum('deliveries_waiting', `sink="${except}"`));
          return now.sum('deliveries_total', 'state="delivered"') >= now.accepted + more && waiting === 0;
        },
        LOOK_MS,
      );
      return now;
    },
    kill: () => child.end('SIGKILL'),
    start: () => {
      child = spawned();
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

  get accepted(): number {
    return this.sum('events_accepted_total');
  }

  get duplicates(): number {
    return this.sum('events_duplicate_total');
  }
}
