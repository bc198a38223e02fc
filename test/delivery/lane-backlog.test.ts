import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { StoreUnavailable, type Store } from '../../src/core/store.js';
import { createWriter } from '../../src/stores/sqlite/writer.js';
import { LIMITS } from '../contract/store/rig.js';
import { directory, openStore, waitingGroup } from '../stores/sqlite-rig.js';
import { due, rig } from './lane-rig.js';

const delivered = { kind: 'delivered', answer: '200' } as const;
/** What a lane may hold; see HELD_MAX there. */
const HELD_MAX = 4_000;
const PAGE = 500;

it('T32: beside 100,000 due retries, every second send is a fresh delivery’s for as long as there are any', async () => {
  const { lane, waiting, sent, accept } = rig({ concurrency: 1 });
  for (let n = 0; n < 100_000; n++) waiting.set(`d${n}.0`, { ...due(`d${n}`, { attempts: 3 }), dueMs: n });
  lane.start();
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  for (let n = 0; n < 5; n++) accept(due(`fresh${n}`, { sinceMs: Date.now() }));
  for (let n = 0; n < 10; n++) {
    sent[n]?.answer(delivered);
    await vi.waitFor(() => expect(sent).toHaveLength(n + 2));
  }
  const places = sent.flatMap(({ ids }, place) => (ids[0]?.startsWith('fresh') ? [place] : []));
  expect(places).toHaveLength(5);
  places.forEach((place, nth) => expect(place).toBeLessThanOrEqual(2 * nth + 2));
  const stopped = lane.stop(0);
  sent.at(-1)?.answer(delivered);
  await stopped;
});

it('of 20,000 waiting deliveries a lane asks for a page at a time, and holds no more than it may', { timeout: 60_000 }, async () => {
  const path = join(directory(), 'bridge.db');
  const writer = createWriter(path, LIMITS);
  writer.write(waitingGroup(20_000, 's', 1_000));
  writer.close();
  const store = await openStore(path);
  onTestFinished(() => store.close());
  const pages: { limit: number; held: number; given: number }[] = [];
  const noted: Pick<Store, 'due' | 'settle'> = {
    due: async (sink, nowMs, limit, held) => {
      const asked = { limit, held: held.size };
      const page = await store.due(sink, nowMs, limit, held);
      pages.push({ ...asked, given: page.deliveries.length });
      return page;
    },
    // So that it lets go of nothing.
    settle: () => Promise.reject(new StoreUnavailable('disk full')),
  };
  const { lane, sent, state } = rig({ store: noted, batch: 100 });
  state.answer = () => delivered;
  lane.start();
  const ids = (): string[] => sent.flatMap((send) => send.ids);
  await vi.waitFor(() => expect(ids().length).toBeGreaterThanOrEqual(HELD_MAX), { timeout: 30_000 });
  // The reader answers in order: a page that was asked for by now is here after this one.
  await store.due('s', Date.now(), 1, new Set());
  expect(new Set(ids()).size).toBe(HELD_MAX);
  expect(pages).toEqual(Array.from({ length: HELD_MAX / PAGE }, (_, n) => ({ limit: PAGE, held: n * PAGE, given: PAGE })));
  await lane.stop(0);
});
