import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startBridge, type Bridge } from '../src/bridge.js';
import type { Configuration } from '../src/config/configuration.js';
import { parseConfig } from '../src/config/load.js';
import { StoreUnavailable, type Store, type StoreContext } from '../src/core/store.js';
import { kinds } from '../src/kinds.js';
import { startHttpReceiver, type HttpReceiver } from './receivers/http-receiver.js';
import { postSigned, until } from './e2e/serve.js';
import { silent } from './sinks/sent.js';
import { directory, openStore } from './stores/sqlite-rig.js';

const SECRET = '0123456789abcdef0123456789abcdef';
const EVENT = Buffer.from('{"id":"evt_1","type":"test"}');

/** The SQLite store with faults on demand. */
interface Faults {
  /** The next commits are made, and their answers lost. */
  answersLost: number;
  probe: Error | null;
  context: StoreContext | null;
}

function configured(receiver: HttpReceiver, path: string, faults: Faults, ports = { ingress: 0, operations: 0 }): Configuration {
  const yaml = `
server: { host: 127.0.0.1, port: ${ports.ingress} }
operations: { port: ${ports.operations} }
sources: { castai: { path: /w, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event } }
sinks: { out: { type: http, url: "${receiver.url}/hook" } }
routes: [{ to: [out] }]
`;
  const loaded = parseConfig(yaml, 'bridge.yaml', {}, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
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
      probe: () => (faults.probe === null ? store.probe() : Promise.reject(faults.probe)),
    };
  };
  return { ...loaded.config, storage: { ...loaded.config.storage, kind: { ...loaded.config.storage.kind, open } } };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function started(): Promise<{ bridge: Bridge; receiver: HttpReceiver; faults: Faults; path: string }> {
  const receiver = await startHttpReceiver();
  closing.push(() => receiver.goAway());
  const faults: Faults = { answersLost: 0, probe: null, context: null };
  const path = join(directory(), 'bridge.db');
  const bridge = await startBridge(configured(receiver, path, faults), { log: silent });
  closing.push(() => bridge.stop());
  return { bridge, receiver, faults, path };
}

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

  it('T55: is not ready while the store cannot write, and says why; it stays up', async () => {
    const { bridge, faults } = await started();
    const ask = async (path: string) => (await fetch(`${bridge.operationsUrl}${path}`)).text();
    faults.probe = new StoreUnavailable('database or disk is full');
    expect(await ask('/readyz')).toBe('{"ready":false,"reasons":["the store does not work: database or disk is full"]}');
    expect(await ask('/healthz')).toBe('{"status":"ok"}');
    faults.probe = null;
    await until(async () => (await ask('/readyz')).includes('"ready":true'));
  });

  it('lets go of everything where it cannot start', async () => {
    const { bridge, receiver, faults } = await started();
    const path = join(directory(), 'other.db');
    const taken = Number(new URL(bridge.ingressUrl).port);
    const failing = () => startBridge(configured(receiver, path, faults, { ingress: taken, operations: 0 }), { log: silent });
    await expect(failing()).rejects.toThrow('EADDRINUSE');
    // Not "in use by another castbridge".
    await expect(failing()).rejects.toThrow('EADDRINUSE');
  });
});
