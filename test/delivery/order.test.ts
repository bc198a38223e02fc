import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bareView } from '../../src/core/event.js';
import type { Outcome } from '../../src/core/outcome.js';
import type { Sink } from '../../src/core/sink.js';
import { keyOfId, type Owed, type Store } from '../../src/core/store.js';
import { Lane } from '../../src/delivery/lane.js';
import { randomFrom } from '../random.js';
import { openStore } from '../stores/sqlite-rig.js';
import { until } from '../e2e/serve.js';
import { due, rig } from './lane-rig.js';

const SEEDS = [1, 2, 3, 4];
const EVENTS = 400;
const KEYS = 8;

/** A lane in order over a real store; the far side fails as chance has it, and keeps order within a batch as Kafka's sink does. */
function laneOver(store: Store, random: () => number, batch: number) {
  /** What the far side was given, batch by batch. */
  const seen: (readonly { readonly id: string; readonly outcome: Outcome['kind'] }[])[] = [];
  const underWay = new Set<string>();
  const overlaps: string[] = [];
  const sink: Sink = {
    async send(messages) {
      const keys = new Set(messages.map(({ event }) => keyOf(event.id)));
      for (const key of keys) {
        // A throw would be a fault of the sink, and tried again.
        if (underWay.has(key)) overlaps.push(key);
        underWay.add(key);
      }
      await new Promise((resolve) => setTimeout(resolve, random() * 4));
      const failed = new Set<string>();
      const outcomes = messages.map(({ event }): Outcome => {
        const key = keyOf(event.id);
        const chance = random();
        if (failed.has(key) || chance < 0.15) {
          failed.add(key);
          return { kind: 'retry', reason: 'http_503', answer: '' };
        }
        return chance < 0.2 ? { kind: 'rejected', reason: 'http_400', answer: '' } : { kind: 'delivered', answer: '' };
      });
      seen.push(messages.map(({ event }, at) => ({ id: event.id, outcome: outcomes[at]?.kind ?? 'retry' })));
      for (const key of keys) underWay.delete(key);
      return outcomes;
    },
    close: () => Promise.resolve(),
  };
  const nobody = () => undefined;
  const lane = new Lane({
    ...{ name: 's', sink, store, timeoutMs: 10_000, concurrency: 4, batch, pace: null, digest: null, ordered: true },
    render: () => null,
    view: (event) => bareView(event),
    redact: (text) => text,
    deadTo: () => [],
    wake: nobody,
    retry: { attempts: 1_000, initialMs: 5, maxMs: 20, maxAgeMs: 86_400_000 },
    telemetry: { attempted: nobody, laneHeld: nobody, lanePaused: nobody, laneResumed: nobody, backlogUnreadable: nobody, backlogReadable: nobody },
    nowMs: Date.now,
    clockMs: () => performance.now(),
    random,
  });
  return { lane, seen, overlaps };
}

function keyOf(id: string): string {
  return id.split('-')[0] ?? '';
}

describe('deliveries of one key', () => {
  it.each(SEEDS.flatMap((seed) => [1, 50].map((batch) => [seed, batch] as const)))(
    'go one after another, retries included, and over a restart (seed %i, batches of %i)',
    async (seed, batch) => {
      const random = randomFrom(seed);
      const folder = mkdtempSync(join(tmpdir(), 'castbridge-order-'));
      const path = join(folder, 'bridge.db');
      let store = await openStore(path);
      let { lane, seen, overlaps } = laneOver(store, random, batch);
      const all = [seen];
      const overlapping = [overlaps];
      const stored: string[] = [];
      try {
        lane.start();
        for (let n = 0; n < EVENTS; n++) {
          const key = `k${Math.floor(random() * KEYS)}`;
          const id = `${key}-${String(n).padStart(5, '0')}`;
          stored.push(id);
          const owes: Owed[] = [{ state: 'waiting', route: 'r', sink: 's', orderKey: key }];
          const body = Buffer.from('{}');
          const receipt = await store.accept({
            ...{
              source: 'castai',
              format: 'f',
              key: keyOfId(id),
              id,
              type: 't',
              receivedMs: Date.now(),
              body,
              headers: {},
              dedupWindowMs: 1_000,
              owes,
            },
          });
          if (receipt.kind === 'stored')
            lane.offer({ index: 0, route: 'r', sink: 's', event: receipt.event, attempts: 0, sinceMs: Date.now(), orderKey: key });
          if (n === EVENTS / 2) {
            await lane.stop(0);
            await store.close();
            store = await openStore(path);
            ({ lane, seen, overlaps } = laneOver(store, random, batch));
            all.push(seen);
            overlapping.push(overlaps);
            lane.start();
          }
        }
        await until(async () => (await store.stats()).waiting.length === 0);
        const ended = new Set<string>();
        for (const given of all.flat()) {
          given.forEach(({ id }, at) => {
            const before = stored.filter((other) => keyOf(other) === keyOf(id) && other < id);
            const earlier = given.slice(0, at).map((other) => other.id);
            expect(before.filter((other) => !ended.has(other) && !earlier.includes(other))).toEqual([]);
          });
          for (const { id, outcome } of given) if (outcome !== 'retry') ended.add(id);
        }
        expect(ended.size).toBe(EVENTS);
        expect(overlapping.flat()).toEqual([]);
      } finally {
        await lane.stop(0);
        await store.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );

  it('hold up no other key, and nothing without one, however much of them waits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'castbridge-order-'));
    const store = await openStore(join(folder, 'bridge.db'));
    const { lane, seen } = laneOver(store, () => 0.9, 1);
    try {
      const accept = async (id: string, orderKey?: string): Promise<void> => {
        const owes: Owed[] = [{ state: 'waiting', route: 'r', sink: 's', ...(orderKey !== undefined && { orderKey }) }];
        await store.accept({
          ...{ source: 'castai', format: 'f', key: keyOfId(id), id, type: 't', receivedMs: Date.now(), body: Buffer.from('{}'), headers: {} },
          ...{ dedupWindowMs: 1_000, owes },
        });
      };
      for (let n = 0; n < 90; n++) await accept(`a-${n}`, 'a');
      await accept('b-1', 'b');
      await accept('none-1');
      lane.start();
      await until(async () => (await store.stats()).waiting.length === 0);
      const order = seen.flat().map(({ id }) => id);
      expect(order).toHaveLength(92);
      // Beside a key that is sent one at a time, not behind it.
      expect(order.indexOf('b-1')).toBeLessThan(30);
      expect(order.indexOf('none-1')).toBeLessThan(30);
    } finally {
      await lane.stop(0);
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    [true, 'k', 'delivered', true],
    [true, 'k', 'retry', false],
    [true, undefined, 'delivered', false],
    [false, 'k', 'delivered', false],
  ] as const)('ask to be settled at once where the next one waits for it (ordered %j, key %j, %s: %j)', async (ordered, orderKey, kind, urgent) => {
    const { lane, accept, settled, state } = rig({ ordered });
    state.answer = () => (kind === 'delivered' ? { kind, answer: '' } : { kind, reason: 'http_503', answer: '' });
    lane.start();
    accept({ ...due('d1', { sinceMs: Date.now() }), ...(orderKey !== undefined && { orderKey }) });
    await until(() => Promise.resolve(settled.length === 1));
    expect(settled).toMatchObject([{ eventUid: 'd1', urgent }]);
    await lane.stop(0);
  });
});
