import { describe, expect, it } from 'vitest';
import { DEAD, ON_DEAD } from '../../../src/core/delivery.js';
import type { DueDelivery, Store } from '../../../src/core/store.js';
import { accepted, arrival, deadLetter, freshly, owedTo, rejected, retried, T0, tried, type OpenFresh } from './rig.js';

async function dueAt(store: Store, sink: string): Promise<readonly DueDelivery[]> {
  return (await store.due(sink, T0 + 1_000, 100, new Set())).deliveries;
}

export function forwarding(open: OpenFresh): void {
  const fresh = freshly(open);
  const dies = (uid: string, index: number, deadTo: readonly string[] = ['ops']) => ({ ...rejected(uid, index), deadTo });

  describe('a dead letter that is forwarded', () => {
    it('is a delivery of its event that tells what died, and stays a dead letter itself; also after a restart', async () => {
      const opened = await fresh();
      const { store } = opened;
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a'), owedTo('b')] }));
      await store.settle(retried(uid, T0, 1));
      await store.settle(dies(uid, 1, ['ops', 'archive']));
      const [story] = await store.stories(uid);
      expect(story?.deliveries.map(({ index, route, sink, state }) => [index, route, sink, state])).toEqual([
        [0, 'to a', 'a', 'waiting'],
        [1, 'to b', 'b', 'dead'],
        [2, ON_DEAD, 'ops', 'waiting'],
        [3, ON_DEAD, 'archive', 'waiting'],
      ]);
      const { reason, detail } = story?.deliveries[1] ?? {};
      const dead = { deliveryId: `${uid}.1`, sink: 'b', route: 'to b', reason, attempts: 2, detail };
      expect(await dueAt(await opened.reopen(), 'archive')).toMatchObject([{ index: 3, route: ON_DEAD, attempts: 0, dead, event: { id: 'evt_1' } }]);
    });

    it('has no `dead` where it is an ordinary delivery', async () => {
      const { store } = await fresh();
      await accepted(store, arrival('evt_1', { owes: [owedTo('a')] }));
      expect((await dueAt(store, 'a')).map((delivery) => 'dead' in delivery)).toEqual([false]);
    });

    it('is forwarded once to each, however often it is replayed and dies', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a')] }));
      await store.settle(dies(uid, 0));
      await store.replay([{ eventUid: uid, index: 0 }], T0);
      await store.settle(dies(uid, 0, ['ops', 'archive']));
      expect((await store.stories(uid))[0]?.deliveries.map(({ sink }) => sink)).toEqual(['a', 'ops', 'archive']);
    });

    it('goes no further when what was forwarded dies', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a')] }));
      await store.settle(dies(uid, 0));
      await store.settle(dies(uid, 1, ['a', 'ops', 'archive']));
      expect((await store.stories(uid))[0]?.deliveries.map(({ sink, state }) => [sink, state])).toEqual([
        ['a', 'dead'],
        ['ops', 'dead'],
      ]);
    });

    it('is told of the one that died, where two of an event do', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a'), owedTo('b')] }));
      await store.settle(dies(uid, 1));
      await store.settle(dies(uid, 0));
      expect((await dueAt(store, 'ops')).map(({ dead }) => dead?.sink)).toEqual(['b', 'a']);
    });

    it('that was dead on arrival has the routing’s own words', async () => {
      const { store } = await fresh();
      const owes = [owedTo('a'), deadLetter(DEAD.routeError, 'no such key: nodes \ud800')];
      const uid = await accepted(store, arrival('evt_1', { owes, deadTo: ['ops'] }));
      expect(await dueAt(store, 'ops')).toMatchObject([
        {
          index: 2,
          dead: { deliveryId: `${uid}.1`, sink: null, route: null, reason: DEAD.routeError, attempts: 0, detail: 'no such key: nodes \ud800' },
        },
      ]);
      expect((await dueAt(store, 'a')).length).toBe(1);
    });

    it('that lost its sink is forwarded with the others of its chunk, but not what was forwarded to that sink', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('gone'), owedTo('a')] }));
      await store.settle(dies(uid, 1, ['gone']));
      expect(await store.killOrphans(['a', 'ops'], T0, ['ops'])).toBe(2);
      expect(await dueAt(store, 'ops')).toMatchObject([{ dead: { deliveryId: `${uid}.0`, sink: 'gone', reason: DEAD.sinkRemoved, attempts: 0 } }]);
    });

    it('is in the same transaction: a duplicate forwards nothing again', async () => {
      const { store } = await fresh();
      const one = arrival('evt_1', { owes: [deadLetter()], deadTo: ['ops'] });
      await store.accept(one);
      await store.accept(one);
      expect(await dueAt(store, 'ops')).toHaveLength(1);
    });

    it('is not, where nothing died', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a')], deadTo: ['ops'] }));
      await store.settle({ ...tried(uid, 0, { state: 'delivered' }, { kind: 'delivered', answer: '' }), deadTo: ['ops'] });
      expect(await dueAt(store, 'ops')).toEqual([]);
    });
  });
}
