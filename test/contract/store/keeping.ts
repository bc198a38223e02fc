import { describe, expect, it } from 'vitest';
import { StoreUnavailable, type DeliveryKey, type Owed, type Store } from '../../../src/core/store.js';
import {
  accepted,
  allRows,
  arrival,
  DAY,
  deadLetter,
  delivered,
  dueIds,
  freshly,
  HOUR,
  numbered,
  onlyRow,
  owedTo,
  pruneAll,
  rejected,
  retried,
  SECOND,
  T0,
  type OpenFresh,
} from './rig.js';

/** More events than a store is likely to keep the keys of in one place. */
const MANY = 600;

export function keeping(open: OpenFresh): void {
  const fresh = freshly(open);

  describe('replaying', () => {
    it.each([
      ['dead', rejected],
      ['delivered', delivered],
    ] as const)('makes a %s delivery wait again, due at once, its attempts counted from zero', async (_, settled) => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(retried(uid, T0));
      await store.settle(settled(uid));
      expect(await store.replay([{ eventUid: uid, index: 0 }], T0 + HOUR)).toEqual([true]);
      expect(await onlyRow(store, uid)).toMatchObject({ state: 'waiting', dueMs: T0 + HOUR, attempts: 2, settledMs: null });
      const [due] = (await store.due('archive', T0 + HOUR, 1, new Set())).deliveries;
      expect(due).toMatchObject({ attempts: 0, sinceMs: T0 + HOUR });
    });

    it('goes on with the numbers of the attempts', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(rejected(uid));
      await store.replay([{ eventUid: uid, index: 0 }], T0 + HOUR);
      await store.settle(retried(uid, T0 + HOUR));
      const [due] = (await store.due('archive', T0 + HOUR, 1, new Set())).deliveries;
      expect(due?.attempts).toBe(1);
      await store.settle(delivered(uid));
      expect((await store.stories(uid))[0]?.attempts.map((row) => row.attempt)).toEqual([1, 2, 3]);
      expect(await onlyRow(store, uid)).toMatchObject({ state: 'delivered', attempts: 3, reason: null });
    });

    it('keeps the attempt that delivered in the history, once', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(delivered(uid));
      const [first] = (await store.stories(uid))[0]?.attempts ?? [];
      // Not its event: nothing is replayed, and nothing kept.
      await store.replay([{ eventUid: `${uid}0`, index: 0 }], T0 + HOUR);
      expect((await store.stories(uid))[0]?.attempts).toEqual([first]);
      await store.replay([{ eventUid: uid, index: 0 }], T0 + HOUR);
      expect((await store.stories(uid))[0]?.attempts).toEqual([first]);
      await store.settle(rejected(uid));
      await store.replay([{ eventUid: uid, index: 0 }], T0 + HOUR);
      await store.settle(delivered(uid));
      const attempts = (await store.stories(uid))[0]?.attempts;
      expect(attempts).toEqual([first, expect.objectContaining({ attempt: 2, outcome: 'rejected' }), { ...first, attempt: 3 }]);
    });

    it('answers false for what waits already, has no sink, or does not exist', async () => {
      const { store } = await fresh();
      const { store: other } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a'), deadLetter()] }));
      const elsewhere = await accepted(other, arrival('evt_1'));
      await store.settle(delivered(uid));
      expect(await store.replay([{ eventUid: uid, index: 0 }], T0)).toEqual([true]);
      const none: DeliveryKey[] = [
        { eventUid: uid, index: 0 },
        { eventUid: uid, index: 1 },
        { eventUid: uid, index: 2 },
        { eventUid: elsewhere, index: 0 },
        { eventUid: 'evt_1', index: 0 },
        { eventUid: '', index: 0 },
      ];
      await store.settle(rejected(uid));
      await store.replay([{ eventUid: uid, index: 0 }], T0);
      expect(await store.replay(none, T0)).toEqual(none.map(() => false));
    });

    it('T22: of two at once, one does it', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(rejected(uid));
      const key = { eventUid: uid, index: 0 };
      expect((await Promise.all([store.replay([key], T0), store.replay([key], T0)])).flat().sort()).toEqual([false, true]);
      await store.settle(rejected(uid));
      expect(await store.replay([key, key], T0)).toEqual([true, false]);
    });
  });

  describe('routing anew', () => {
    it('T08: puts what is owed now in the place of the dead letter', async () => {
      const opened = await fresh();
      const uid = await accepted(opened.store, arrival('evt_1', { owes: [deadLetter()] }));
      const owes = [owedTo('a'), deadLetter('route_error', 'again'), owedTo('b')];
      expect(await opened.store.reroute([{ eventUid: uid, index: 0, owes }], T0 + HOUR)).toEqual([2]);
      const store = await opened.reopen();
      const [story] = await store.stories(uid);
      expect(story?.deliveries.map(({ sink, state, reason, dueMs, settledMs }) => ({ sink, state, reason, dueMs, settledMs }))).toEqual([
        { sink: 'a', state: 'waiting', reason: null, dueMs: T0 + HOUR, settledMs: null },
        { sink: null, state: 'dead', reason: 'route_error', dueMs: null, settledMs: T0 + HOUR },
        { sink: 'b', state: 'waiting', reason: null, dueMs: T0 + HOUR, settledMs: null },
      ]);
      const [due] = (await store.due('a', T0 + HOUR, 1, new Set())).deliveries;
      expect(due).toMatchObject({ attempts: 0, sinceMs: T0 + HOUR });
    });

    it('adds nothing that the event owes already, and keeps a letter that is owed still', async () => {
      const { store } = await fresh();
      const broken = (route: string): Owed => ({ state: 'dead', route, sink: null, reason: 'route_error', detail: 'no such key' });
      const mended = (route: string, sink: string): Owed => ({ state: 'waiting', route, sink });
      const uid = await accepted(store, arrival('evt_1', { owes: [broken('one'), broken('two')] }));
      const owed = async () =>
        (await store.stories(uid)).flatMap(({ deliveries }) => deliveries.map(({ route, sink, index }) => `${route ?? ''}>${sink ?? ''} ${index}`));

      expect(await store.reroute([{ eventUid: uid, index: 0, owes: [mended('one', 'a'), broken('two')] }], T0)).toEqual([1]);
      expect(await owed()).toEqual(['two> 1', 'one>a 2']);
      expect(await store.reroute([{ eventUid: uid, index: 1, owes: [mended('one', 'a'), broken('two')] }], T0)).toEqual([0]);
      expect(await owed()).toEqual(['two> 1', 'one>a 2']);
      await store.settle(delivered(uid, 2));
      const both = [0, 1].map(() => store.reroute([{ eventUid: uid, index: 1, owes: [mended('one', 'a'), mended('two', 'b')] }], T0));
      expect((await Promise.all(both)).flat().sort()).toEqual([0, 1]);
      expect(await owed()).toEqual(['one>a 2', 'two>b 3']);
    });

    it('gives no delivery an id that one of its event had before', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a'), deadLetter()] }));
      const before = (await allRows(store)).map((row) => row.deliveryId);
      await store.reroute([{ eventUid: uid, index: 1, owes: [owedTo('b'), owedTo('c')] }], T0);
      const fresher = (await allRows(store)).filter((row) => row.sink !== 'a').map((row) => row.deliveryId);
      expect(fresher).toHaveLength(2);
      expect(before).not.toEqual(expect.arrayContaining([expect.stringMatching(fresher.join('|'))]));
    });

    it('answers 0 and changes nothing for what has a sink, is gone, or does not exist', async () => {
      const { store } = await fresh();
      const { store: other } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [deadLetter(), owedTo('a')] }));
      const elsewhere = await accepted(other, arrival('evt_1', { owes: [deadLetter()] }));
      await store.settle(rejected(uid, 1));
      const before = await allRows(store);
      for (const key of [
        { eventUid: uid, index: 1 },
        { eventUid: uid, index: 7 },
        { eventUid: elsewhere, index: 0 },
        { eventUid: 'evt_1', index: 0 },
      ])
        expect(await store.reroute([{ ...key, owes: [owedTo('b')] }], T0)).toEqual([0]);
      expect(await allRows(store)).toEqual(before);
      const both = await Promise.all([0, 0].map((index) => store.reroute([{ eventUid: uid, index, owes: [owedTo('b')] }], T0)));
      expect(both.flat().sort()).toEqual([0, 1]);
    });
  });

  describe('counts', () => {
    it('are of what waits, by sink', async () => {
      const { store } = await fresh();
      expect(await store.stats()).toEqual({ waiting: [] });
      const uids = await Promise.all(
        numbered(5).map((n) => accepted(store, arrival(`evt_${n}`, { receivedMs: T0 + n, owes: [owedTo('a'), owedTo('b')] }))),
      );
      await store.settle(delivered(uids[0] ?? '', 0));
      await store.settle(retried(uids[1] ?? '', T0 + HOUR, 0));
      await store.accept(arrival('evt_dead', { owes: [deadLetter()] }));
      const byName = [...(await store.stats()).waiting].sort((one, other) => one.sink.localeCompare(other.sink));
      expect(byName).toEqual([
        { sink: 'a', count: 4, oldestDueMs: T0 + 2 },
        { sink: 'b', count: 5, oldestDueMs: T0 },
      ]);
    });
  });

  describe('pruning', () => {
    const retentionMs = 10 * SECOND;
    const uidsOf = async (store: Store) => new Set((await allRows(store)).map((row) => row.eventUid));

    it('removes an event past its retention, whole, and not a moment before', async () => {
      const opened = await fresh({ retentionMs });
      const uid = await accepted(opened.store, arrival('evt_1', { owes: [owedTo('a'), deadLetter()] }));
      await opened.store.settle(delivered(uid, 0, T0 - 40));
      await pruneAll(opened.store, T0 + retentionMs);
      expect(await uidsOf(opened.store)).toEqual(new Set([uid]));
      await pruneAll(opened.store, T0 + retentionMs + 1);
      const store = await opened.reopen();
      expect(await allRows(store)).toEqual([]);
      expect(await store.stories(uid)).toEqual([]);
      expect(await store.stories('evt_1')).toEqual([]);
      expect(await store.prune(T0 + DAY)).toBe(0);
    });

    it('counts from the last thing that happened', async () => {
      const { store } = await fresh({ retentionMs });
      const [late = '', replayed = '', old = ''] = await Promise.all(['a', 'b', 'c'].map((id) => accepted(store, arrival(id))));
      await store.settle(delivered(old));
      await store.settle(delivered(late, 0, T0 + HOUR));
      await store.settle(rejected(replayed));
      await store.replay([{ eventUid: replayed, index: 0 }], T0 + HOUR);
      await store.settle(rejected(replayed, 0, T0 + HOUR));
      await pruneAll(store, T0 + HOUR + retentionMs);
      expect(await uidsOf(store)).toEqual(new Set([late, replayed]));
      await pruneAll(store, T0 + HOUR + retentionMs + SECOND);
      expect(await uidsOf(store)).toEqual(new Set());
    });

    it('never removes an event of which something waits', async () => {
      const { store } = await fresh({ retentionMs });
      const uids = await Promise.all(numbered(250).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [owedTo('a'), owedTo('b')] }))));
      await Promise.all(uids.map((uid) => store.settle(delivered(uid, 0))));
      const done = uids.filter((_, n) => n % 50 === 7);
      await Promise.all(done.map((uid) => store.settle(rejected(uid, 1))));
      await pruneAll(store, T0 + 365 * DAY);
      expect(await uidsOf(store)).toEqual(new Set(uids.filter((uid) => !done.includes(uid))));
      expect(await dueIds(store, 'b')).toHaveLength(uids.length - done.length);
    });

    it('takes a bounded chunk at a time', async () => {
      const { store } = await fresh({ retentionMs });
      await Promise.all(numbered(MANY).map((n) => store.accept(arrival(`evt_${n}`, { owes: [deadLetter()] }))));
      expect(await store.prune(T0 + HOUR)).toBeGreaterThan(0);
      expect((await allRows(store)).length).toBeGreaterThan(0);
      await pruneAll(store, T0 + HOUR);
      expect(await allRows(store)).toEqual([]);
    });

    it('is not held up by events of a clock that was ahead', async () => {
      const { store } = await fresh({ retentionMs });
      const uids = await Promise.all(
        numbered(MANY).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [deadLetter()], receivedMs: n < 300 ? T0 + 365 * DAY : T0 }))),
      );
      await pruneAll(store, T0 + HOUR);
      expect(await uidsOf(store)).toEqual(new Set(uids.slice(0, 300)));
    });

    it('keeps a key for its window, where that is longer than the retention', async () => {
      const opened = await fresh({ retentionMs, dedupWindowMs: HOUR });
      await acceptMany(opened.store, () => T0);
      await pruneAll(opened.store, T0 + HOUR);
      expect(await allRows(opened.store)).toEqual([]);
      const store = await opened.reopen();
      expect(await kindsAgain(store, T0 + HOUR)).toEqual(new Set(['duplicate']));
      await pruneAll(store, T0 + HOUR + 2 * SECOND);
      expect(await kindsAgain(store, T0 + HOUR + 2 * SECOND)).toEqual(new Set(['stored']));
    });

    it('keeps a key for its window to the last fraction of a second', async () => {
      const { store } = await fresh({ retentionMs: 1, dedupWindowMs: 10 * SECOND });
      await acceptMany(store, () => T0 + 900);
      await pruneAll(store, T0 + 10_800);
      expect(await kindsAgain(store, T0 + 10_900)).toEqual(new Set(['duplicate']));
    });

    it('keeps a key for its window, where keys after it are older: the clock went back', async () => {
      const { store } = await fresh({ retentionMs: 1, dedupWindowMs: 10 * SECOND });
      await acceptMany(store, (n) => (n % 2 === 0 ? T0 + 5 * SECOND : T0));
      await pruneAll(store, T0 + 12 * SECOND);
      expect(await allRows(store)).toEqual([]);
      const ahead = numbered(MANY).filter((n) => n % 2 === 0);
      const again = await Promise.all(ahead.map((n) => store.accept(arrival(`evt_${n}`, { receivedMs: T0 + 15 * SECOND }))));
      expect(new Set(again.map((receipt) => receipt.kind))).toEqual(new Set(['duplicate']));
    });

    it('finds an event by its id for its retention, where that is longer than the window', async () => {
      const opened = await fresh({ retentionMs: HOUR, dedupWindowMs: SECOND });
      const uids = await acceptMany(opened.store, () => T0);
      await pruneAll(opened.store, T0 + HOUR);
      const store = await opened.reopen();
      expect((await store.stories('evt_5')).map((story) => story.event.uid)).toEqual([uids[5]]);
      const again = await accepted(store, arrival('evt_5', { receivedMs: T0 + HOUR, owes: [deadLetter()] }));
      expect((await store.stories('evt_5')).map((story) => story.event.uid)).toEqual([uids[5], again]);
      await pruneAll(store, T0 + HOUR + 1);
      expect((await store.stories('evt_5')).map((story) => story.event.uid)).toEqual([again]);
    });

    const acceptMany = (store: Store, receivedMs: (n: number) => number): Promise<string[]> =>
      Promise.all(numbered(MANY).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [deadLetter()], receivedMs: receivedMs(n) }))));

    const kindsAgain = async (store: Store, receivedMs: number): Promise<Set<string>> => {
      const receipts = await Promise.all(numbered(MANY).map((n) => store.accept(arrival(`evt_${n}`, { owes: [deadLetter()], receivedMs }))));
      return new Set(receipts.map((receipt) => receipt.kind));
    };
  });

  describe('opening and closing', () => {
    it('proves that it writes, and changes nothing', async () => {
      const { store } = await fresh();
      await store.accept(arrival('evt_1'));
      const before = await allRows(store);
      await store.probe();
      await store.probe();
      expect(await allRows(store)).toEqual(before);
    });

    it('finishes what was handed in before it closes', async () => {
      const opened = await fresh();
      const pending = numbered(2_000).map((n) => opened.store.accept(arrival(`evt_${n}`)));
      const reopening = opened.reopen();
      const ends = await Promise.allSettled(pending);
      const stored = ends.filter((end) => end.status === 'fulfilled').length;
      expect(ends.every((end) => end.status === 'fulfilled' || end.reason instanceof StoreUnavailable)).toBe(true);
      expect(await allRows(await reopening, {}, 1_000)).toHaveLength(stored);
      expect(stored).toBe(2_000);
    });

    it('refuses everything once it is closed', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      const closing = store.close();
      await expect(store.accept(arrival('evt_2'))).rejects.toBeInstanceOf(StoreUnavailable);
      await closing;
      const key = { eventUid: uid, index: 0 };
      const calls = [
        () => store.accept(arrival('evt_3')),
        () => store.settle(delivered(uid)),
        () => store.due('archive', T0, 1, new Set()),
        () => store.killOrphans([], T0),
        () => store.deliveries({}, 1, null),
        () => store.stories(uid),
        () => store.replay([key], T0),
        () => store.reroute([{ ...key, owes: [] }], T0),
        () => store.stats(),
        () => store.prune(T0),
        () => store.probe(),
      ];
      for (const call of calls) await expect(call()).rejects.toBeInstanceOf(StoreUnavailable);
      await store.close();
    });
  });
}
