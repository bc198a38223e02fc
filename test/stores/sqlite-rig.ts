import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Store, StoreContext, StoreLimits } from '../../src/core/store.js';
import { openSqliteStore, type SqliteOptions } from '../../src/stores/sqlite/store.js';
import { packGroup, type PackedGroup } from '../../src/stores/sqlite/group.js';
import { arrival, LIMITS, numbered, owedTo } from '../contract/store/rig.js';

/** The built entry of the threads: a worker thread cannot run the sources. */
export const WORKER_URL = new URL('../../dist/stores/sqlite/worker.js', import.meta.url);

/** The same, with a fault on demand. */
export const FAULTY_WORKER_URL = new URL('./faulty-worker.mjs', import.meta.url);
export const MIGRATIONS = new URL('../../src/stores/sqlite/migrations/', import.meta.url);

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'castbridge-store-'));
}

/** A directory for one test. */
export function directory(): string {
  const made = temporaryDirectory();
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export const NO_TELEMETRY: StoreContext['telemetry'] = {
  committed: () => undefined,
  storeFailing: () => undefined,
  storeRecovered: () => undefined,
  commitsLost: () => undefined,
  storeDamaged: () => undefined,
  storeSalvaged: () => undefined,
};

export function openStore(path: string, limits: StoreLimits = LIMITS, options: Partial<SqliteOptions> = {}): Promise<Store> {
  return openSqliteStore({ path, limits, telemetry: NO_TELEMETRY, workerUrl: WORKER_URL, ...options });
}

/** Ids of one run differ, lest an event be a duplicate. */
let made = 0;

/** One transaction: an event of `bytes` each, owed to `sink` alone. */
export function waitingGroup(count: number, sink = 'a', bytes = 2): PackedGroup {
  const body = Buffer.alloc(bytes);
  const given = numbered(count).map(() => ({ arrivals: [arrival(`evt_${made++}`, { owes: [owedTo(sink)], body })], checkpoint: null }));
  return packGroup(given, []);
}

export { randomFrom } from '../random.js';

/** What was begun in this turn of the event loop, and waits for its end, is on its way. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
