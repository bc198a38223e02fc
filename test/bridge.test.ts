import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startBridge } from '../src/bridge.js';
import type { Configuration } from '../src/config/configuration.js';
import { lineOf } from '../src/config/finding.js';
import { parseConfig } from '../src/config/load.js';
import { StoreUnavailable, type Store, type StoreContext } from '../src/core/store.js';
import { kinds } from '../src/kinds.js';
import { startHttpReceiver, type HttpReceiver } from './receivers/http-receiver.js';
import { postSigned, until } from './e2e/serve.js';
import { silent } from './sinks/sent.js';
import { LIMITS } from './contract/store/rig.js';
import { fill, smallDisk } from './stores/small-disk.js';
import { directory, openStore } from './stores/sqlite-rig.js';

const SECRET = '0123456789abcdef0123456789abcdef';
const EVENT = Buffer.from('{"id":"evt_1","type":"test"}');
const CAME = { body: EVENT, headers: {}, dedupWindowMs: LIMITS.dedupWindowMs };

/** The SQLite store with faults on demand. */
interface Faults {
  /** The next commits are made, and their answers lost. */
  answersLost: number;
  probe: Error | null;
  due: Error | null;
  context: StoreContext | null;
}

function configured(receiver: HttpReceiver, other: HttpReceiver, path: string, faults: Faults, ports = { ingress: 0, operations: 0 }): Configuration {
  const yaml = `
server: { host: 127.0.0.1, port: ${ports.ingress} }
operations: { port: ${ports.operations} }
shutdown: { grace: 100ms }
sources: { castai: { path: /w, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event } }
sinks: { out: { type: http, url: "${receiver.url}/hook" }, other: { type: http, url: "${other.url}/hook" } }
routes: [{ to: [out, other] }]
`;
  const loaded = parseConfig(yaml, 'bridge.yaml', {}, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  const open = async (_config: unknown, context: StoreContext): Promise<Store> => {
    faults.context = context;
    const store = await openStore(path, context.limits, { telemetry: context.telemetry });
    return {
      ...store,
      async accept(arrival) {
        const receipt = await store.accept(arrival);
        if (faults.answersLost-- <= 0) return receipt;
        throw new StoreUnavailable('the store’s thread died');
      },
      due: (...asked) => (faults.due === null ? store.due(...asked) : Promise.reject(faults.due)),
      probe: () => (faults.probe === null ? store.probe() : Promise.reject(faults.probe)),
    };
  };
  return { ...loaded.config, storage: { ...loaded.config.storage, kind: { ...loaded.config.storage.kind, open } } };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function started({ path = join(directory(), 'bridge.db') } = {}) {
  const [receiver, other] = [await startHttpReceiver(), await startHttpReceiver()];
  closing.push(
    () => receiver.goAway(),
    () => other.goAway(),
  );
  const faults: Faults = { answersLost: 0, probe: null, due: null, context: null };
  const bridge = await startBridge(configured(receiver, other, path, faults), { log: silent, reloadFile: noReload, env: {} });
  closing.push(() => bridge.stop());
  return { bridge, receiver, other, faults };
}

/** Nothing here asks for a reload. */
const noReload = () => Promise.resolve({ ok: false as const, problems: [] });

describe('the bridge', () => {
  it('T12: delivers what was committed though its sender was told 503, once the store works again', async () => {
    const { bridge, receiver, faults } = await started();
    faults.answersLost = 1;
    expect((await postSigned(`${bridge.ingressUrl}/w`, SECRET, EVENT)).status).toBe(503);
    expect(await postSigned(`${bridge.ingressUrl}/w`, SECRET, EVENT)).toEqual({ status: 200, body: '{"received":true,"duplicate":true}' });
    expect(receiver.received).toHaveLength(0);
    faults.context?.telemetry.storeRecovered({ downMs: 1 });
    await until(() => receiver.received.length === 1);
  });

  it('T14: makes dead letters of what waits for a sink that is gone, and leaves the rest', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path, LIMITS);
    const owes = ['gone', 'out'].map((sink) => ({ state: 'waiting' as const, route: 'all', sink }));
    await store.accept({
      source: 'castai',
      format: 'castai-event',
      key: 'id:evt_1',
      id: 'evt_1',
      type: 'test',
      receivedMs: Date.now(),
      ...CAME,
      owes,
    });
    await store.close();
    const { receiver, bridge } = await started({ path });
    await until(() => receiver.received.length === 1);
    const dead = async () =>
      ((await (await fetch(`${bridge.operationsUrl}/api/deliveries?state=dead`)).json()) as { deliveries: object[] }).deliveries;
    await until(async () => (await dead()).length === 1);
    expect(await dead()).toMatchObject([{ sink: 'gone', reason: 'sink_removed' }]);
  });

  it('T11: starts on a full disk, refuses what comes, and serves by itself once there is room', { timeout: 60_000 }, async ({ skip }) => {
    const disk = smallDisk() ?? skip('this process may not mount');
    const path = join(disk, 'bridge.db');
    const store = await openStore(path, LIMITS);
    const owes = ['gone', 'out'].map((sink) => ({ state: 'waiting' as const, route: 'all', sink }));
    const waiting = { source: 'castai', format: 'castai-event', key: 'id:evt_1', id: 'evt_1', type: 'test', receivedMs: Date.now(), owes };
    await store.accept({ ...waiting, ...CAME });
    await store.close();
    fill(join(disk, 'ballast'));
    const { receiver, bridge } = await started({ path });
    const ready = async () => (await (await fetch(`${bridge.operationsUrl}/readyz`)).json()) as { ready: boolean; reasons: string[] };
    expect((await postSigned(`${bridge.ingressUrl}/w`, SECRET, Buffer.from('{"id":"evt_2","type":"test"}'))).status).toBe(503);
    expect((await ready()).reasons[0]).toContain('make room on its disk');
    rmSync(join(disk, 'ballast'));
    await until(() => receiver.received.length === 1);
    const dead = async () => (await fetch(`${bridge.operationsUrl}/api/deliveries?state=dead`)).text();
    await until(async () => (await dead()).includes('sink_removed'));
    expect((await ready()).ready).toBe(true);
    await bridge.stop();
  });

  it('removes what is past its retention', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path, LIMITS);
    const owes = [{ state: 'dead' as const, route: null, sink: null, reason: 'unrouted', detail: '' }];
    const old = { source: 'castai', format: 'castai-event', id: 'evt_1', type: 'test', ...CAME, owes };
    await store.accept({ ...old, key: 'id:evt_1', receivedMs: Date.now() - 30 * 86_400_000 });
    await store.close();
    const { bridge } = await started({ path });
    await until(async () => (await fetch(`${bridge.operationsUrl}/api/events/evt_1`)).status === 404);
  });

  it('T26: a sink that hangs holds up neither the ingress nor another sink', async () => {
    const { bridge, receiver, other } = await started();
    other.otherwise('hang');
    const posts = Array.from({ length: 100 }, (_, n) => Buffer.from(JSON.stringify({ id: `evt_${n}`, type: 'test' })));
    for (const body of posts) expect((await postSigned(`${bridge.ingressUrl}/w`, SECRET, body)).status).toBe(200);
    await until(() => receiver.received.length === 100);
    expect(other.received.length).toBeLessThanOrEqual(8);
  });

  it('T55: is not ready, and says why, while a sink’s backlog cannot be read', async () => {
    const { bridge, faults } = await started();
    faults.due = new StoreUnavailable('database disk image is malformed');
    await postSigned(`${bridge.ingressUrl}/w`, SECRET, EVENT);
    faults.context?.telemetry.storeRecovered({ downMs: 1 });
    const reasons = async () => ((await (await fetch(`${bridge.operationsUrl}/readyz`)).json()) as { reasons: string[] }).reasons;
    await until(async () => (await reasons()).includes('what waits for the sink "out" cannot be read: database disk image is malformed'));
    faults.due = null;
    await until(async () => (await fetch(`${bridge.operationsUrl}/readyz`)).ok);
  });

  it('T55: is not ready while the store cannot write, and says why; it stays up', async () => {
    const { bridge, faults } = await started();
    const ask = async (path: string) => (await fetch(`${bridge.operationsUrl}${path}`)).text();
    faults.probe = new StoreUnavailable('database or disk is full');
    expect(await ask('/readyz')).toBe('{"ready":false,"reasons":["the store does not work: database or disk is full"],"notes":[]}');
    expect(await ask('/healthz')).toBe('{"status":"ok"}');
    faults.probe = null;
    await until(async () => (await ask('/readyz')).includes('"ready":true'));
  });

  it('lets go of everything where it cannot start', async () => {
    const { bridge, receiver, other, faults } = await started();
    const path = join(directory(), 'other.db');
    const taken = Number(new URL(bridge.ingressUrl).port);
    const failing = () =>
      startBridge(configured(receiver, other, path, faults, { ingress: taken, operations: 0 }), { log: silent, reloadFile: noReload, env: {} });
    await expect(failing()).rejects.toThrow('EADDRINUSE');
    // Not "in use by another castbridge".
    await expect(failing()).rejects.toThrow('EADDRINUSE');
  });
});
