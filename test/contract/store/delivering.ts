import { describe, expect, it } from 'vitest';
import { DEAD, type Settlement } from '../../../src/core/delivery.js';
import type { Outcome } from '../../../src/core/outcome.js';
import type { DueDelivery, Store } from '../../../src/core/store.js';
import {
  accepted,
  allRows,
  arrival,
  deadLetter,
  delivered,
  dueIds,
  freshly,
  HOUR,
  idOf,
  numbered,
  onlyRow,
  owedTo,
  rejected,
  retried,
  SECOND,
  T0,
  tried,
  type OpenFresh,
} from './rig.js';

const MiB = 1024 * 1024;
/** Pages a backlog may take in a test: one that never ends must fail, not hang. */
const PAGES_MAX = 100;

const SETTLEMENTS: readonly (readonly [Settlement, Outcome, { dueMs: number | null; reason: string | null; settledMs: number | null }])[] = [
  [{ state: 'delivered' }, { kind: 'delivered', answer: '204' }, { dueMs: null, reason: null, settledMs: T0 + 40 }],
  [{ state: 'delivered' }, { kind: 'delivered', answer: '' }, { dueMs: null, reason: null, settledMs: T0 + 40 }],
  [
    { state: 'waiting', dueMs: T0 + HOUR, reason: 'http_429' },
    { kind: 'retry', reason: 'http_429', answer: 'slow down', afterMs: 5, holdSink: true },
    { dueMs: T0 + HOUR, reason: 'http_429', settledMs: null },
  ],
  [
    { state: 'dead', reason: DEAD.attemptsExhausted },
    { kind: 'retry', reason: 'timeout', answer: 'no answer' },
    { dueMs: null, reason: DEAD.attemptsExhausted, settledMs: T0 + 40 },
  ],
  [
    { state: 'dead', reason: 'invalid_blocks' },
    { kind: 'rejected', reason: 'invalid_blocks', answer: 'a\0\ud800😀' },
    { dueMs: null, reason: 'invalid_blocks', settledMs: T0 + 40 },
  ],
];

export function delivering(open: OpenFresh): void {
  const fresh = freshly(open);

  describe('settling', () => {
    it.each(SETTLEMENTS)('writes down the attempt and what follows: %j after %j', async (settlement, outcome, follows) => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(tried(uid, 0, settlement, outcome));
      const [story] = await store.stories(uid);
      expect(story?.deliveries[0]).toMatchObject({ state: settlement.state, attempts: 1, detail: outcome.answer, ...follows });
      expect(story?.attempts).toEqual([
        {
          index: 0,
          attempt: 1,
          startedMs: T0,
          durationMs: 40,
          outcome: outcome.kind,
          reason: outcome.kind === 'delivered' ? null : outcome.reason,
          answer: outcome.answer,
        },
      ]);
    });

    it('numbers the attempts of each delivery from 1', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1', { owes: [owedTo('a'), owedTo('b')] }));
      await store.settle(retried(uid, T0 + 1, 0));
      await store.settle(rejected(uid, 1));
      await store.settle(retried(uid, T0 + 2, 0));
      await store.settle(delivered(uid, 0));
      const [story] = await store.stories(uid);
      expect(story?.attempts.map(({ index, attempt, outcome }) => [index, attempt, outcome])).toEqual([
        [0, 1, 'retry'],
        [0, 2, 'retry'],
        [0, 3, 'delivered'],
        [1, 1, 'rejected'],
      ]);
      expect(story?.deliveries.map((row) => row.attempts)).toEqual([3, 1]);
    });

    it.each([
      ['delivered', delivered],
      ['dead', rejected],
    ] as const)('T22: ignores an attempt at a delivery that is %s', async (state, settledBefore) => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(settledBefore(uid));
      const before = await store.stories(uid);
      await store.settle(retried(uid, T0 + 1));
      await store.settle(delivered(uid));
      expect(await store.stories(uid)).toEqual(before);
      expect(before[0]?.deliveries[0]?.state).toBe(state);
    });

    it('ignores an attempt at what does not exist', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      await store.settle(delivered(uid, 1));
      await store.settle(delivered('no-such-event'));
      await store.settle(delivered(''));
      expect((await store.stories(uid))[0]?.attempts).toEqual([]);
    });

    it('settles several at once, each by itself', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(4).map((n) => accepted(store, arrival(`evt_${n}`))));
      const [a = '', b = '', c = '', d = ''] = uids;
      await store.settle();
      await store.settle(delivered(a), rejected(b), retried(c, T0 + HOUR), delivered('no-such-event'));
      const rows = await Promise.all([a, b, c, d].map((uid) => onlyRow(store, uid)));
      expect(rows.map(({ state, attempts }) => [state, attempts])).toEqual([
        ['delivered', 1],
        ['dead', 1],
        ['waiting', 1],
        ['waiting', 0],
      ]);
    });

    it('settles thousands while thousands arrive', async () => {
      const opened = await fresh();
      const uids = await Promise.all(numbered(1_500).map((n) => accepted(opened.store, arrival(`evt_${n}`))));
      await Promise.all([
        ...uids.map((uid, n) => opened.store.settle(n % 3 === 0 ? rejected(uid) : delivered(uid))),
        ...numbered(1_500).map((n) => opened.store.accept(arrival(`more_${n}`, { owes: [owedTo('other')] }))),
      ]);
      const store = await opened.reopen();
      expect(await allRows(store, { state: 'dead' })).toHaveLength(500);
      expect(await allRows(store, { state: 'delivered' })).toHaveLength(1_000);
      expect(await allRows(store, { state: 'waiting', sink: 'other' })).toHaveLength(1_500);
    });
  });

  describe('what is due', () => {
    it('comes oldest due first, for one sink, up to the limit', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(6).map((n) => accepted(store, arrival(`evt_${n}`, { owes: [owedTo('a'), owedTo('b')] }))));
      await Promise.all(uids.map((uid, n) => store.settle(retried(uid, T0 + (n % 3) * SECOND))));
      const order = [0, 3, 1, 4, 2, 5].map((n) => `${uids[n] ?? ''}.0`);
      expect(await dueIds(store, 'a', T0 + 2 * SECOND)).toEqual(order);
      expect(await dueIds(store, 'a', T0 + 2 * SECOND, 3)).toEqual(order.slice(0, 3));
      expect(await dueIds(store, 'a', T0 + SECOND)).toEqual(order.slice(0, 4));
      expect(await dueIds(store, 'c', T0 + HOUR)).toEqual([]);
    });

    it('comes with all that is needed to try it', async () => {
      const { store } = await fresh();
      const given = arrival('evt_1');
      const uid = await accepted(store, given);
      await store.settle(retried(uid, T0 + SECOND));
      const { source, format, id, type, receivedMs, body, headers } = given;
      expect((await store.due('archive', T0 + SECOND, 10, new Set())).deliveries).toEqual([
        {
          ...{ index: 0, route: 'to archive', sink: 'archive', attempts: 1, sinceMs: T0 },
          event: { uid, source, format, id, type, receivedMs, body, headers },
        },
      ]);
    });

    it('leaves out what is held, and what is not waiting', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(10).map((n) => accepted(store, arrival(`evt_${n}`))));
      await store.settle(delivered(uids[0] ?? ''));
      await store.settle(rejected(uids[1] ?? ''));
      await store.accept(arrival('evt_dead', { owes: [deadLetter()] }));
      const held = new Set(uids.slice(2, 5).map((uid) => `${uid}.0`));
      const { deliveries } = await store.due('archive', T0, 3, held);
      expect(deliveries.map((delivery) => delivery.event.uid)).toEqual(uids.slice(5, 8));
    });

    it('says when the next one is due', async () => {
      const { store } = await fresh();
      const next = async (nowMs: number, limit = 10, held: string[] = []) => (await store.due('archive', nowMs, limit, new Set(held))).nextDueMs;
      expect(await next(T0)).toBeNull();
      const [a = '', b = ''] = await Promise.all(['a', 'b'].map((id) => accepted(store, arrival(id))));
      expect(await next(T0)).toBeNull();
      await store.settle(retried(a, T0 + 5 * SECOND));
      await store.settle(retried(b, T0 + 9 * SECOND));
      expect(await next(T0)).toBe(T0 + 5 * SECOND);
      expect(await next(T0 + 5 * SECOND)).toBe(T0 + 9 * SECOND);
      expect(await next(T0 + 5 * SECOND, 10, [`${a}.0`])).toBe(T0 + 9 * SECOND);
      expect(await next(T0 + 9 * SECOND)).toBeNull();
      await store.settle(delivered(b));
      expect(await next(T0)).toBe(T0 + 5 * SECOND);
    });

    it('says so where a page was cut: the next one is due already', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(4).map((n) => accepted(store, arrival(`evt_${n}`, { receivedMs: T0 + n }))));
      expect((await store.due('archive', T0 + HOUR, 2, new Set())).nextDueMs).toBe(T0 + 2);
      expect((await store.due('archive', T0 + HOUR, 2, new Set([`${uids[2] ?? ''}.0`]))).nextDueMs).toBe(T0 + 3);
      expect((await store.due('archive', T0 + HOUR, 4, new Set())).nextDueMs).toBeNull();
    });

    it('T12: includes, as the last, those that are due so far ahead that a clock must have been set back', async () => {
      const { store } = await fresh();
      const uids = await Promise.all(numbered(6).map((n) => accepted(store, arrival(`evt_${n}`))));
      const [late = '', later = '', backingOff = '', now = '', ...settled] = uids;
      await store.settle(retried(later, T0 + 2 * HOUR));
      await store.settle(retried(late, T0 + HOUR));
      await store.settle(retried(backingOff, T0 + 30 * SECOND));
      for (const uid of settled) await store.settle(delivered(uid));
      const read = async (limit: number, farMs: number, held: string[] = []) => {
        const { deliveries, nextDueMs } = await store.due('archive', T0, limit, new Set(held.map((uid) => `${uid}.0`)), farMs);
        return { uids: deliveries.map(({ event }) => event.uid), nextDueMs };
      };
      expect(await read(10, T0 + 60 * SECOND)).toEqual({ uids: [now, late, later], nextDueMs: T0 + 30 * SECOND });
      expect(await read(2, T0 + 60 * SECOND)).toEqual({ uids: [now, late], nextDueMs: T0 + 2 * HOUR });
      expect(await read(10, T0 + 60 * SECOND, [now, late])).toEqual({ uids: [later], nextDueMs: T0 + 30 * SECOND });
      expect(await read(10, T0 + HOUR)).toEqual({ uids: [now, later], nextDueMs: T0 + 30 * SECOND });
    });

    it('T12: forgets nothing of a backlog of large events', async () => {
      const { store } = await fresh();
      const body = Buffer.alloc(MiB);
      const uids = await Promise.all(numbered(40).map((n) => accepted(store, arrival(`evt_${n}`, { body }))));
      const read = await readBacklog(store, 'archive', 200);
      expect(read.map((delivery) => delivery.event.uid)).toEqual(uids);
    });

    it('T12: is everything unsettled, after it was opened again', async () => {
      const opened = await fresh();
      const uids = await Promise.all(numbered(300).map((n) => accepted(opened.store, arrival(`evt_${n}`))));
      const settled = uids.filter((_, n) => n % 3 === 0);
      await Promise.all(settled.map((uid, n) => opened.store.settle(n % 2 === 0 ? delivered(uid) : rejected(uid))));
      const store = await opened.reopen();
      const read = await readBacklog(store, 'archive', 50);
      expect(read.map((delivery) => delivery.event.uid)).toEqual(uids.filter((_, n) => n % 3 !== 0));
    });

    it('is gone for good once settled, however soon it is asked for', async () => {
      const { store } = await fresh();
      for (let n = 0; n < 50; n++) {
        const uid = await accepted(store, arrival(`evt_${n}`));
        expect(await dueIds(store, 'archive')).toEqual([`${uid}.0`]);
        await store.settle(delivered(uid));
        expect(await dueIds(store, 'archive')).toEqual([]);
      }
    });
  });

  describe('sinks that are not configured any more', () => {
    it('T14: have their waiting deliveries made dead letters, and no others', async () => {
      const { store } = await fresh();
      const owes = [owedTo('kept'), owedTo('gone'), owedTo('gone too'), deadLetter()];
      const uids = await Promise.all(numbered(1_200).map((n) => accepted(store, arrival(`evt_${n}`, { owes }))));
      await store.settle(delivered(uids[0] ?? '', 1));
      await store.settle(retried(uids[1] ?? '', T0 + HOUR, 1));
      const chunks = await killAllBut(['kept', 'new'], store);
      expect(chunks.reduce((sum, killed) => sum + killed)).toBe(2 * 1_200 - 1);
      // A whole backlog in one call would hold up the ingress.
      expect(Math.max(...chunks)).toBeLessThan(1_200);
      expect((await store.stats()).waiting.map((row) => row.sink)).toEqual(['kept']);
      const [story] = await store.stories(uids[1] ?? '');
      expect(story?.deliveries.map((row) => [row.state, row.reason, row.settledMs])).toEqual([
        ['waiting', null, null],
        ['dead', DEAD.sinkRemoved, T0 + SECOND],
        ['dead', DEAD.sinkRemoved, T0 + SECOND],
        ['dead', 'unrouted', T0],
      ]);
      expect(await store.killOrphans(['kept', 'new'], T0 + SECOND)).toBe(0);
      expect((await onlyRow(store, await accepted(store, arrival('later')))).state).toBe('waiting');
    });

    it('T15: what is stored after the call is left alone: its sink may have come back meanwhile', async () => {
      const { store } = await fresh();
      await accepted(store, arrival('before', { owes: [owedTo('gone')] }));
      const killed = store.killOrphans([], T0 + SECOND);
      const uid = await accepted(store, arrival('after', { owes: [owedTo('gone')] }));
      expect(await killed).toBe(1);
      expect((await onlyRow(store, uid)).state).toBe('waiting');
    });
  });
}

/** Calls until there is nothing left, and answers what each call did. */
async function killAllBut(sinks: readonly string[], store: Store): Promise<number[]> {
  const chunks: number[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const killed = await store.killOrphans(sinks, T0 + SECOND);
    if (killed === 0) return chunks;
    chunks.push(killed);
  }
  throw new Error('the orphans never end');
}

/** As a lane does: page after page, each with what is in hand already held, for as long as more is due. */
async function readBacklog(store: Store, sink: string, limit: number): Promise<DueDelivery[]> {
  const read: DueDelivery[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const { deliveries, nextDueMs } = await store.due(sink, T0, limit, new Set(read.map(idOf)));
    read.push(...deliveries);
    if (nextDueMs === null || nextDueMs > T0) return read;
  }
  throw new Error('the backlog never ends');
}
