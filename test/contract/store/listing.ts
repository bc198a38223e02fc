import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/core/store.js';
import {
  accepted,
  allRows,
  arrival,
  deadLetter,
  delivered,
  freshly,
  HOUR,
  numbered,
  owedTo,
  rejected,
  retried,
  SECOND,
  T0,
  type OpenFresh,
} from './rig.js';

export function listing(open: OpenFresh): void {
  const fresh = freshly(open);

  describe('listing deliveries', () => {
    it('gives the newest event first, its deliveries from the last to the first', async () => {
      const { store } = await fresh();
      const uids = [];
      for (const id of ['a', 'b', 'c']) uids.push(await accepted(store, arrival(id, { owes: [owedTo('x'), owedTo('y')] })));
      const expected = [...uids].reverse().flatMap((uid) => [`${uid}.1`, `${uid}.0`]);
      expect((await allRows(store)).map((row) => row.deliveryId)).toEqual(expected);
    });

    it('selects by state, sink and reason, alone and together', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(
        numbered(6).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [owedTo('a'), owedTo('b'), deadLetter()] }))),
      );
      await store.settle(delivered(uids[0] ?? '', 0));
      await store.settle(rejected(uids[1] ?? '', 0));
      await store.settle(rejected(uids[2] ?? '', 1));
      await store.settle(retried(uids[3] ?? '', T0 + HOUR, 1));
      const count = async (filter: Parameters<Store['deliveries']>[0]) => (await allRows(store, filter, 2)).length;
      expect(await count({})).toBe(18);
      expect(await count({ state: 'waiting' })).toBe(9);
      expect(await count({ state: 'delivered' })).toBe(1);
      expect(await count({ state: 'dead' })).toBe(8);
      expect(await count({ sink: 'a' })).toBe(6);
      expect(await count({ state: 'waiting', sink: 'b' })).toBe(5);
      expect(await count({ state: 'dead', sink: 'a' })).toBe(1);
      expect(await count({ reason: 'http_400' })).toBe(2);
      expect(await count({ reason: 'http_503', state: 'waiting', sink: 'b' })).toBe(1);
      expect(await count({ reason: 'unrouted', state: 'dead' })).toBe(6);
      expect(await count({ reason: 'unrouted', state: 'delivered' })).toBe(0);
      expect(await count({ sink: "'; drop table events; --" })).toBe(0);
    });

    it('reaches the end without repeating or missing a row, while new events come in', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(100).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [owedTo('a'), owedTo('b')] }))));
      const seen: string[] = [];
      let before: string | null = null;
      do {
        const page = await store.deliveries({}, 7, before);
        seen.push(...page.rows.map((row) => row.deliveryId));
        before = page.next;
        await store.accept(arrival(`later_${seen.length}`));
      } while (before !== null);
      expect(seen).toEqual([...uids].reverse().flatMap((uid) => [`${uid}.1`, `${uid}.0`]));
    });

    it('ends at once where there is nothing', async () => {
      const { store } = await fresh();
      expect(await store.deliveries({}, 10, null)).toEqual({ rows: [], next: null });
      expect(await store.deliveries({ state: 'dead' }, 10, 'no such place')).toEqual({ rows: [], next: null });
    });
  });

  describe('finding events', () => {
    it('goes by the uid and by the sender’s id, in every source that used it', async () => {
      const { store } = await fresh();
      const a = await accepted(store, arrival('evt_1', { source: 'castai' }));
      const b = await accepted(store, arrival('evt_1', { source: 'alerts', body: Buffer.from('b') }));
      await store.accept(arrival('evt_2'));
      expect((await store.stories(a)).map((story) => story.event.source)).toEqual(['castai']);
      expect(new Set((await store.stories('evt_1')).map((story) => story.event.uid))).toEqual(new Set([a, b]));
    });

    it('goes by an id that is the key itself, as a body’s hash is', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('sha256:00ff', { key: 'sha256:00ff' }));
      expect((await store.stories('sha256:00ff')).map((story) => story.event.uid)).toEqual([uid]);
    });

    it('finds each event that used an id, where the window let it come again', async () => {
      const opened = await fresh({ dedupWindowMs: SECOND });
      const uids = [];
      for (const n of numbered(3)) uids.push(await accepted(opened.store, arrival('evt_1', { receivedMs: T0 + n * HOUR })));
      const store = await opened.reopen();
      expect((await store.stories('evt_1')).map((story) => story.event.uid)).toEqual(uids);
    });

    it('finds nothing by what is no id', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.accept(arrival('', { key: 'undecodable:00ff', owes: [deadLetter()] }));
      for (const id of ['', 'evt', 'id:evt_1', 'undecodable:00ff', `${uid}.0`, `${uid}x`, '1', '-']) expect(await store.stories(id)).toEqual([]);
    });
  });
}
