import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startBridge, type Bridge, type Reloaded } from '../../src/bridge.js';
import { lineOf } from '../../src/config/finding.js';
import { loadConfig } from '../../src/config/load.js';
import type { Log } from '../../src/core/sink.js';
import { StoreUnavailable, type Store, type StoreContext } from '../../src/core/store.js';
import { kinds } from '../../src/kinds.js';
import { postSigned, until } from '../e2e/serve.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { directory, openStore } from '../stores/sqlite-rig.js';

export const SECRET = '0123456789abcdef0123456789abcdef';

/** A configuration as it stands in the file: JSON is YAML. */
export type Parts = Readonly<Record<string, object>>;

/** What calls of the store wait for before they are made, so that a test can come in between, and their faults. */
interface Gates {
  accept: Promise<void>;
  killOrphans: Promise<void>;
  replay: Promise<void>;
  /** Commits are made, and their answers lost. */
  answersLost: boolean;
  unreadable: boolean;
}

/** How often each was called, and how often it was over. */
type Calls = Record<'accept' | 'killOrphans' | 'replay', { called: number; ended: number }>;

/** A bridge in this process, over a real store and a real file. */
export interface Running {
  readonly bridge: Bridge;
  readonly folder: string;
  readonly gates: Gates;
  readonly calls: Calls;
  /** The store says that it works again. */
  recover(): void;
  /** What was logged as info or worse: the fields, with `level` and `msg`. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Writes the file, reads it as `serve` does at SIGHUP, and hands it to the bridge. */
  reload(parts: Parts, env?: Readonly<Record<string, string>>): Reloaded;
  /** The status a signed event is answered with. */
  post(id: string, options?: { type?: string; secret?: string; path?: string; data?: object }): Promise<number>;
  /** `SINK STATE REASON` of an event's deliveries. */
  states(id: string): Promise<readonly string[]>;
  operations(path: string, init?: RequestInit): Promise<string>;
}

export async function running(parts: Parts, env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const folder = directory();
  const file = join(folder, 'bridge.yaml');
  const load = (changed: Parts, given: Readonly<Record<string, string>>) => {
    writeFileSync(file, JSON.stringify({ ...base(folder), ...changed }));
    return loadConfig(file, given, kinds);
  };
  const open = Promise.resolve();
  const gates: Gates = { accept: open, killOrphans: open, replay: open, answersLost: false, unreadable: false };
  const calls: Calls = { accept: { called: 0, ended: 0 }, killOrphans: { called: 0, ended: 0 }, replay: { called: 0, ended: 0 } };
  let recover = (): void => undefined;
  const openGated = async (_config: unknown, context: StoreContext) => {
    recover = () => context.telemetry.storeRecovered({ downMs: 1 });
    return gated(await openStore(join(folder, 'bridge.db'), context.limits, { telemetry: context.telemetry }), gates, calls);
  };
  const loaded = load(parts, env);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  const { storage } = loaded.config;
  const lines: Record<string, unknown>[] = [];
  const bridge = await startBridge(
    { ...loaded.config, storage: { ...storage, kind: { ...storage.kind, open: openGated } } },
    { log: keeping(lines), reloadFile: () => Promise.resolve(bridge.reload(loadConfig(file, env, kinds), 'api')), env: {} },
  );
  onTestFinished(() => bridge.stop());
  const operations = async (path: string, init?: RequestInit) => (await fetch(`${bridge.operationsUrl}${path}`, init)).text();
  return {
    bridge,
    folder,
    gates,
    calls,
    recover: () => recover(),
    lines,
    operations,
    reload: (changed, given = env) => bridge.reload(load(changed, given), 'signal'),
    post: async (id, { type = 'test', secret = SECRET, path = '/w', data = {} } = {}) =>
      (await postSigned(`${bridge.ingressUrl}${path}`, secret, Buffer.from(JSON.stringify({ id, type, data })))).status,
    states: async (id) => {
      const { events } = JSON.parse(await operations(`/api/events/${id}`)) as { events: { deliveries: Row[] }[] };
      return events.flatMap(({ deliveries }) => deliveries.map(({ sink, state, reason }) => [sink, state, reason ?? []].flat().join(' ')));
    },
  };
}

interface Row {
  readonly sink: string;
  readonly state: string;
  readonly reason: string | null;
}

function base(folder: string): Parts {
  return {
    server: { host: '127.0.0.1', port: 0 },
    operations: { port: 0 },
    storage: { path: join(folder, 'bridge.db') },
    shutdown: { grace: '20s' },
    sources: sources(),
  };
}

export function sources(secret = SECRET, path = '/w') {
  return { castai: { path, verify: { type: 'castai', secrets: [secret] }, format: 'castai-event' } };
}

/** An HTTP sink that is tried again soon. */
export function http({ url }: HttpReceiver, more: object = {}) {
  return { type: 'http', url: `${url}/hook`, retry: { initial: '1ms', max: '1h' }, ...more };
}

export async function receiver(): Promise<HttpReceiver> {
  const started = await startHttpReceiver();
  onTestFinished(() => started.goAway());
  return started;
}

/** Ids of the events that arrived, in order. */
export function arrived({ received }: HttpReceiver): string[] {
  return received.map(({ headers }) => String(headers['castbridge-event-id']));
}

/** A promise, and what opens it. */
export function closedGate(): { readonly gate: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  return { gate, open };
}

/** Whatever could have happened by now, had it been let: an event has gone the whole way from its sender to `to`. */
export async function aWholeRoundTrip(run: Running, to: HttpReceiver): Promise<void> {
  const id = `evt_round_${to.received.length}`;
  await run.post(id);
  await until(() => arrived(to).includes(id));
}

function gated(store: Store, gates: Gates, calls: Calls): Store {
  const through = async <Result>(name: keyof Calls, call: () => Promise<Result>): Promise<Result> => {
    calls[name].called += 1;
    await gates[name];
    const result = await call();
    calls[name].ended += 1;
    return result;
  };
  return {
    ...store,
    async accept(arrival) {
      const receipt = await through('accept', () => store.accept(arrival));
      if (gates.answersLost) throw new StoreUnavailable('the store’s thread died');
      return receipt;
    },
    killOrphans: (...args) => through('killOrphans', () => store.killOrphans(...args)),
    replay: (...args) => through('replay', () => store.replay(...args)),
    due: (...args) => (gates.unreadable ? Promise.reject(new StoreUnavailable('database disk image is malformed')) : store.due(...args)),
  };
}

function keeping(lines: Record<string, unknown>[]): Log {
  const keep = (level: string) => (fields: object, msg: string) => void lines.push({ level, msg, ...fields });
  return { debug: () => undefined, info: keep('info'), warn: keep('warn'), error: keep('error') };
}
