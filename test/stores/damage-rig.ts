import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arrival, DueDelivery, Store, StoreContext } from '../../src/core/store.js';
import type { Salvaged } from '../../src/core/telemetry.js';
import { allRows, arrival, delivered, deadLetter, numbered, owedTo, rejected, retried, T0 } from '../contract/store/rig.js';
import { directory, NO_TELEMETRY, openStore } from './sqlite-rig.js';

/** What a store told of damage. */
export interface Told {
  readonly commitsLost: { readonly frames: number; readonly commits: number; readonly copy: string }[];
  readonly damaged: string[];
  readonly salvaged: Salvaged[];
}

export function listening(): { told: Told; telemetry: StoreContext['telemetry'] } {
  const told: Told = { commitsLost: [], damaged: [], salvaged: [] };
  const telemetry = {
    ...NO_TELEMETRY,
    commitsLost: (fact: Told['commitsLost'][number]) => void told.commitsLost.push(fact),
    storeDamaged: ({ detail }: { detail: string }) => void told.damaged.push(detail),
    storeSalvaged: (fact: Salvaged) => void told.salvaged.push(fact),
  };
  return { told, telemetry };
}

/** A body of its own for each event, some of them longer than a page. */
export function bodyOf(n: number): Buffer {
  return Buffer.from(JSON.stringify({ id: `evt_${n}`, padding: String(n).repeat((n % 40) * (n % 7 === 0 ? 60 : 8)) }));
}

export function arrivalOf(n: number): Arrival {
  const owes = n % 10 === 3 ? [deadLetter()] : [owedTo('archive'), owedTo('ops')];
  return arrival(`evt_${n}`, { body: bodyOf(n), owes, headers: n % 5 === 0 ? { 'webhook-id': `msg_${n}` } : {} });
}

/** A store with events in every state. */
export async function filled(path: string, events: number): Promise<Store> {
  const store = await openStore(path);
  // In several commits, and in the order of their numbers.
  for (let from = 0; from < events; from += 30) {
    const receipts = await Promise.all(
      numbered(Math.min(30, events - from)).map(async (index) => ({ n: from + index, receipt: await store.accept(arrivalOf(from + index)) })),
    );
    const settling = receipts.map(({ n, receipt }) => {
      const uid = receipt.kind === 'stored' ? receipt.event.uid : '';
      if (n % 4 === 0) return store.settle(delivered(uid));
      if (n % 4 === 1) return store.settle(rejected(uid, 1));
      return n % 4 === 2 ? store.settle(retried(uid, T0 + 5, 1)) : Promise.resolve();
    });
    await Promise.all(settling);
  }
  return store;
}

/** The files of a filled store as a kill leaves them: the last commits are in the WAL alone. */
export async function crashed(events: number): Promise<string> {
  const made = directory();
  const live = join(made, 'live.db');
  const store = await filled(live, events);
  const path = join(made, 'bridge.db');
  copyFileSync(live, path);
  copyFileSync(`${live}-wal`, `${path}-wal`);
  await store.close();
  return path;
}

/** The same after an orderly stop: everything is in the file. */
export async function closed(events: number): Promise<string> {
  const path = join(directory(), 'bridge.db');
  await (await filled(path, events)).close();
  if (existsSync(`${path}-wal`)) throw new Error('the WAL is still there');
  return path;
}

export function flip(file: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
}

/** Everything that is due at both sinks, page after page. */
export async function allDue(store: Pick<Store, 'due'>): Promise<DueDelivery[]> {
  const found: DueDelivery[] = [];
  for (const sink of ['archive', 'ops']) {
    const held = new Set<string>();
    for (let more = true; more;) {
      const { deliveries } = await store.due(sink, T0 + 1_000_000, 100, held);
      for (const delivery of deliveries) held.add(`${delivery.event.uid}.${delivery.index}`);
      found.push(...deliveries);
      more = deliveries.length > 0;
    }
  }
  return found;
}

/** Numbers of the events that are listed, ascending. */
export async function listed(store: Store): Promise<number[]> {
  const ids = new Set((await allRows(store, {}, 1_000)).map((row) => row.eventId));
  return [...ids]
    .filter((id) => id !== '')
    .map((id) => Number(id.slice(4)))
    .sort((one, other) => one - other);
}
