import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/core/store.js';
import { accepted, arrival, delivered, freshly, HOUR, rejected, retried, T0, type OpenFresh } from './rig.js';

export function ordering(open: OpenFresh): void {
  const fresh = freshly(open);
  /** An event for the sink `a`, with this order key. */
  const one = (id: string, orderKey?: string, receivedMs = T0) =>
    arrival(id, { receivedMs, owes: [{ state: 'waiting', route: 'r', sink: 'a', ...(orderKey !== undefined && { orderKey }) }] });
  const acceptAll = async (store: Store, ...events: readonly [string, string?][]): Promise<Record<string, string>> => {
    const uids: Record<string, string> = {};
    for (const [id, key] of events) uids[id] = await accepted(store, one(id, key));
    return uids;
  };
  const due = async (store: Store, busy: readonly string[] = [], nowMs = T0, limit = 100) => {
    const page = await store.due('a', nowMs, limit, new Set(), Infinity, { busy: new Set(busy), others: true });
    return { ids: page.deliveries.map(({ event }) => event.id), nextDueMs: page.nextDueMs, deliveries: page.deliveries };
  };

  describe('what goes in order', () => {
    it('comes key by key, each in the order it was stored, beside what is in no order', async () => {
      const { store } = await fresh();
      await acceptAll(store, ['x1', 'x'], ['n1'], ['y1', 'y'], ['x2', 'x'], ['y2', 'y'], ['x3', 'x']);
      const page = await due(store);
      expect(page.ids.filter((id) => id !== 'n1')).toEqual(['x1', 'x2', 'x3', 'y1', 'y2']);
      expect(page.deliveries.map(({ event, orderKey }) => [event.id[0], orderKey ?? 'n'])).toEqual(page.ids.map((id) => [id[0], id[0]]));
      expect(page.ids).toContain('n1');
      expect(page.nextDueMs).toBeNull();
    });

    it('waits for the first of its key that is not due, and holds no other key up; also after a restart', async () => {
      const first = await fresh();
      const { store } = first;
      const uids = await acceptAll(store, ['x1', 'x'], ['x2', 'x'], ['y1', 'y'], ['x3', 'x']);
      await store.settle(retried(uids['x1'] ?? '', T0 + HOUR));
      const opened = await first.reopen();
      expect(await due(opened)).toMatchObject({ ids: ['y1'], nextDueMs: T0 + HOUR });
      expect((await due(opened, [], T0 + HOUR)).ids).toEqual(['x1', 'x2', 'x3', 'y1']);
    });

    it('comes up to what is not due, where that is not the first', async () => {
      const { store } = await fresh();
      const uids = await acceptAll(store, ['x1', 'x'], ['x2', 'x'], ['x3', 'x']);
      await store.settle(retried(uids['x2'] ?? '', T0 + HOUR));
      expect((await due(store)).ids).toEqual(['x1']);
    });

    it.each([
      ['delivered', delivered],
      ['dead', rejected],
    ])('goes on once the one before is %s', async (_, settled) => {
      const { store } = await fresh();
      const uids = await acceptAll(store, ['x1', 'x'], ['x2', 'x']);
      await store.settle(settled(uids['x1'] ?? ''));
      expect((await due(store)).ids).toEqual(['x2']);
    });

    it('is left out where its key is busy', async () => {
      const { store } = await fresh();
      await acceptAll(store, ['x1', 'x'], ['y1', 'y'], ['x2', 'x'], ['n1']);
      expect((await due(store, ['x'])).ids.toSorted()).toEqual(['n1', 'y1']);
    });

    it('gives every key its turn, where a page is full', async () => {
      const { store } = await fresh();
      await acceptAll(store, ...Array.from({ length: 30 }, (_, n): [string, string] => [`${n % 3}-${n}`, `key ${n % 3}`]));
      const first = await due(store, [], T0, 5);
      expect(first.ids).toEqual(['0-0', '0-3', '0-6', '0-9', '0-12']);
      expect(first.nextDueMs).toBe(T0);
      expect((await due(store, ['key 0'], T0, 5)).ids).toEqual(['1-1', '1-4', '1-7', '1-10', '1-13']);
      expect((await due(store, ['key 0', 'key 1'], T0, 5)).ids).toEqual(['2-2', '2-5', '2-8', '2-11', '2-14']);
      expect((await due(store, ['key 1', 'key 2'], T0, 5)).ids).toEqual(['0-0', '0-3', '0-6', '0-9', '0-12']);
    });

    it.each([
      ['team-ﾃ', 'team-🚀'],
      ['team-🚀', 'team-ﾃ'],
      ['\uffff', '\u{10000}'],
    ])('is found whatever characters its keys are of: %s, then %s', async (first, second) => {
      const { store } = await fresh();
      await acceptAll(store, ['1', first]);
      expect((await due(store)).ids).toEqual(['1']);
      await acceptAll(store, ['2', second], ['3', second]);
      for (let page = 0; page < 3; page++) expect((await due(store, [first])).ids).toEqual(['2', '3']);
      expect((await due(store)).ids.toSorted()).toEqual(['1', '2', '3']);
    });

    it('and what has no key are the first of a page in turn', async () => {
      const { store } = await fresh();
      await acceptAll(store, ['n1'], ['n2'], ['n3'], ['x1', 'x'], ['x2', 'x'], ['x3', 'x']);
      const pages = [await due(store, [], T0, 3), await due(store, [], T0, 3)].map(({ ids }) => ids);
      expect(pages.toSorted()).toEqual([
        ['n1', 'n2', 'n3'],
        ['x1', 'x2', 'x3'],
      ]);
    });

    it('comes alone where nothing else is asked for; and it is told whether anything else waits', async () => {
      const { store } = await fresh();
      const uids = await acceptAll(store, ['n1'], ['x1', 'x']);
      const asked = (others: boolean) => store.due('a', T0, 100, new Set(), Infinity, { busy: new Set(), others });
      expect((await asked(false)).deliveries.map(({ event }) => event.id)).toEqual(['x1']);
      await store.settle(retried(uids['n1'] ?? '', T0 + HOUR));
      expect(await asked(true)).toMatchObject({ othersWait: true, nextDueMs: T0 + HOUR });
      await store.settle(delivered(uids['n1'] ?? ''));
      expect(await asked(true)).toMatchObject({ othersWait: false, nextDueMs: null });
    });

    it('is looked past where nobody asks for an order', async () => {
      const { store } = await fresh();
      const uids = await acceptAll(store, ['x1', 'x'], ['x2', 'x']);
      await store.settle(retried(uids['x1'] ?? '', T0 + HOUR));
      expect((await store.due('a', T0, 100, new Set())).deliveries.map(({ event }) => event.id)).toEqual(['x2']);
    });

    it('is found when the clock was set back since it was scheduled', async () => {
      const { store } = await fresh();
      const uids = await acceptAll(store, ['x1', 'x']);
      await store.settle(retried(uids['x1'] ?? '', T0 + 10 * HOUR));
      const { deliveries } = await store.due('a', T0, 100, new Set(), T0 + HOUR, { busy: new Set(), others: true });
      expect(deliveries).toHaveLength(1);
    });
  });
}
