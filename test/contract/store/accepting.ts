import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Arrival, Store } from '../../../src/core/store.js';
import {
  accepted,
  allRows,
  arrival,
  DAY,
  deadLetter,
  dueIds,
  freshly,
  LIMITS,
  numbered,
  onlyRow,
  owedTo,
  SECOND,
  T0,
  type OpenFresh,
} from './rig.js';

/** Keys within one source, or sources and keys, that must never be taken for each other. */
const DIFFERENT: readonly (readonly [string, readonly [string, string], readonly [string, string]])[] = [
  ['one key in two sources', ['castai', 'id:1'], ['alerts', 'id:1']],
  ['parts that read the same when joined', ['ab', 'c'], ['a', 'bc']],
  ['parts with a separator in them', ['a:', 'b'], ['a', ':b']],
  ['upper and lower case', ['castai', 'id:a'], ['castai', 'id:A']],
  ['two lone surrogates', ['castai', 'id:\ud800'], ['castai', 'id:\ud801']],
  ['a lone surrogate and the replacement character', ['castai', 'id:\ud800'], ['castai', 'id:\ufffd']],
  ['a key and the same with a NUL after it', ['castai', 'id:a'], ['castai', 'id:a\0']],
  ['two keys that differ after a NUL', ['castai', 'id:a\0b'], ['castai', 'id:a\0c']],
  ['two spellings of one letter', ['castai', 'id:\u00e9'], ['castai', 'id:e\u0301']],
  ['two emoji', ['castai', 'id:😀'], ['castai', 'id:😁']],
  ['very long keys that differ at the end', ['castai', `id:${'x'.repeat(100_000)}1`], ['castai', `id:${'x'.repeat(100_000)}2`]],
  ['an empty key and an empty source', ['', 'id:'], ['id:', '']],
];

const TEXTS: readonly (readonly [string, string])[] = [
  ['plain', 'evt_0123456789'],
  ['emoji', '😀 zażółć'],
  ['a NUL', 'a\0b'],
  ['a NUL first', '\0'],
  ['a lone surrogate', 'a\ud800b'],
  ['64 KiB', 'é'.repeat(32 * 1024)],
];

export function accepting(open: OpenFresh): void {
  const fresh = freshly(open);

  describe('accepting', () => {
    it('stores an event, and hands it back with a uid', async () => {
      const { store } = await fresh();
      const given = arrival('evt_1');
      const receipt = await store.accept(given);
      const { source, format, id, type, receivedMs, body, headers } = given;
      expect(receipt).toEqual({
        kind: 'stored',
        event: { uid: expect.stringMatching(/^[^.]+$/) as string, source, format, id, type, receivedMs, body, headers },
      });
    });

    it('keeps the headers of an event, character for character', async () => {
      const opened = await fresh();
      const { store } = opened;
      const headers = { 'webhook-id': 'msg_1', 'ce-subject': '{"ü\u0000\ud800', __proto__: 'x' };
      const uid = await accepted(store, arrival('evt_1', { headers }));
      const again = await opened.reopen();
      expect((await again.stories(uid))[0]?.event.headers).toEqual(headers);
      expect((await again.due('archive', T0, 10, new Set())).deliveries[0]?.event.headers).toEqual(headers);
    });

    it('takes several together, with one receipt each, the second of a key being a duplicate', async () => {
      const opened = await fresh();
      const { store } = opened;
      await store.accept(arrival('evt_2'));
      const [one, two, three] = [arrival('evt_1'), arrival('evt_2'), arrival('evt_3', { owes: [owedTo('archive'), deadLetter()] })];
      const receipts = await store.acceptTogether([one, two, three, { ...three, body: Buffer.from('another') }]);
      expect(receipts.map(({ kind }) => kind)).toEqual(['stored', 'duplicate', 'stored', 'duplicate']);
      expect(receipts[2]).toMatchObject({ event: { id: 'evt_3', body: three.body } });
      expect(await store.acceptTogether([])).toEqual([]);
      const again = await opened.reopen();
      expect((await allRows(again)).map(({ eventId }) => eventId)).toEqual(['evt_3', 'evt_3', 'evt_1', 'evt_2']);
    });

    it('keeps a checkpoint with them, the last one of each source', async () => {
      const opened = await fresh();
      const { store } = opened;
      expect(await store.checkpoint('audit')).toBeNull();
      await store.acceptTogether([], { source: 'audit', state: 'first' });
      expect(await store.checkpoint('audit')).toBe('first');
      await store.acceptTogether([arrival('evt_1')], { source: 'audit', state: 'second' });
      await store.acceptTogether([arrival('evt_1')], { source: 'other', state: 'its own' });
      const failing = store.acceptTogether([arrival('evt_2', { receivedMs: 2 ** 80 })], { source: 'audit', state: 'third' });
      await expect(failing).rejects.toThrow();
      const again = await opened.reopen();
      expect([await again.checkpoint('audit'), await again.checkpoint('other')]).toEqual(['second', 'its own']);
    });

    it('takes all of them or none, and those beside them all the same', async () => {
      const { store } = await fresh();
      const unwritable = arrival('evt_bad', { receivedMs: 2 ** 80 });
      const [before, together, after] = await Promise.allSettled([
        store.accept(arrival('evt_before')),
        store.acceptTogether([arrival('evt_1'), unwritable, arrival('evt_2')]),
        store.accept(arrival('evt_after')),
      ]);
      expect([before.status, together.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await allRows(store)).map(({ eventId }) => eventId)).toEqual(['evt_after', 'evt_before']);
      expect((await store.accept(arrival('evt_1'))).kind).toBe('stored');
    });

    it('goes by the window of the arrival, and never beyond its own', async () => {
      const { store } = await fresh({ dedupWindowMs: 100 * SECOND });
      const after = (seconds: number, windowS: number) => arrival('evt_1', { receivedMs: T0 + seconds * SECOND, dedupWindowMs: windowS * SECOND });
      await store.accept(after(0, 10));
      expect((await store.accept(after(10, 10))).kind).toBe('duplicate');
      expect((await store.accept(after(11, 10))).kind).toBe('stored');
      expect((await store.accept(after(111, 1_000))).kind).toBe('duplicate');
      expect((await store.accept(after(112, 1_000))).kind).toBe('stored');
    });

    it('finds a key it has seen a duplicate, and writes nothing of it', async () => {
      const { store } = await fresh();
      const first = arrival('evt_1');
      await store.accept(first);
      expect(await store.accept({ ...first, body: Buffer.from('another'), owes: [owedTo('other')] })).toEqual({ kind: 'duplicate' });
      expect((await store.stories('evt_1')).map((story) => story.event.body)).toEqual([first.body]);
      expect((await allRows(store)).map((row) => row.sink)).toEqual(['archive']);
    });

    it.each(DIFFERENT)('T09: keeps apart %s', async (_, ...pair) => {
      const { store } = await fresh();
      const arrivals = pair.map(([source, key]) => arrival('evt', { source, key }));
      const receipts = await Promise.all([...arrivals, ...arrivals].map((one) => store.accept(one)));
      expect(receipts.map((receipt) => receipt.kind)).toEqual(['stored', 'stored', 'duplicate', 'duplicate']);
    });

    it('T09: without a key, never finds a duplicate', async () => {
      const { store } = await fresh();
      const receipts = await Promise.all(numbered(20).map(() => store.accept(arrival('', { key: null, owes: [deadLetter()] }))));
      expect(receipts.map((receipt) => receipt.kind)).toEqual(numbered(20).map(() => 'stored'));
      expect(new Set(receipts.map((receipt) => receipt.kind === 'stored' && receipt.event.uid)).size).toBe(20);
    });

    it('T21: of 200 arrivals of one key at once, stores exactly one', async () => {
      const { store } = await fresh();
      // A store may write the first one alone, and the others in one transaction.
      const before = store.accept(arrival('evt_0'));
      const receipts = await Promise.all(numbered(200).map((n) => store.accept(arrival('evt_1', { body: Buffer.from(`${n}`) }))));
      expect(receipts.filter((receipt) => receipt.kind === 'stored')).toHaveLength(1);
      expect((await before).kind).toBe('stored');
      expect(await allRows(store)).toHaveLength(2);
    });

    it('T21: of many keys at once, each several times, stores each once', async () => {
      const { store } = await fresh();
      const receipts = await Promise.all(numbered(2_000).map((n) => store.accept(arrival(`evt_${n % 700}`))));
      expect(receipts.filter((receipt) => receipt.kind === 'stored')).toHaveLength(700);
      expect(new Set((await allRows(store)).map((row) => row.eventId)).size).toBe(700);
    });

    it.each([
      { windowMs: 10 * SECOND, receivedMs: T0 },
      { windowMs: 10 * SECOND, receivedMs: T0 + 999 },
      { windowMs: 1_500, receivedMs: T0 + 900 },
      { windowMs: 1, receivedMs: T0 + 999 },
    ])('holds a key for the whole window of $windowMs ms, and at most a second longer', async ({ windowMs, receivedMs }) => {
      const { store } = await fresh({ dedupWindowMs: windowMs });
      await store.accept(arrival('evt_1', { receivedMs }));
      expect((await store.accept(arrival('evt_1', { receivedMs: receivedMs + windowMs }))).kind).toBe('duplicate');
      expect((await store.accept(arrival('evt_1', { receivedMs: receivedMs + windowMs + SECOND }))).kind).toBe('stored');
    });

    it('lets an event in again whose id is forgotten, once, and finds both by it', async () => {
      const opened = await fresh();
      const { store } = opened;
      for (let n = 0; n < 300; n++) await store.accept(arrival(`evt_${n}`));
      await store.accept(arrival('evt_last', { source: 'other' }));
      expect(await store.forget(['evt_7', 'evt_last', 'evt_none'])).toEqual([true, true, false]);
      expect(await store.forget([])).toEqual([]);
      const kindsOf = async (on: Store) => [
        (await on.accept(arrival('evt_7'))).kind,
        (await on.accept(arrival('evt_last', { source: 'other' }))).kind,
        (await on.accept(arrival('evt_8'))).kind,
      ];
      expect(await kindsOf(store)).toEqual(['stored', 'stored', 'duplicate']);
      expect(await kindsOf(store)).toEqual(['duplicate', 'duplicate', 'duplicate']);
      expect(await store.stories('evt_7')).toHaveLength(2);
      expect(await store.forget(['evt_7'])).toEqual([true]);
      expect(await kindsOf(await opened.reopen())).toEqual(['stored', 'duplicate', 'duplicate']);
    });

    it('counts the window from the event last stored, not from its duplicates', async () => {
      const { store } = await fresh({ dedupWindowMs: 10 * SECOND });
      const at = (seconds: number) => store.accept(arrival('evt_1', { receivedMs: T0 + seconds * SECOND }));
      const kinds = [];
      for (const seconds of [0, 9, 11, 12, 21, 22]) kinds.push((await at(seconds)).kind);
      expect(kinds).toEqual(['stored', 'duplicate', 'stored', 'duplicate', 'duplicate', 'stored']);
    });

    it('with a clock that went back, still finds a key it has seen', async () => {
      const { store } = await fresh({ dedupWindowMs: SECOND });
      await store.accept(arrival('evt_1'));
      expect((await store.accept(arrival('evt_1', { receivedMs: T0 - 365 * DAY }))).kind).toBe('duplicate');
    });

    it('T17: keeps every body byte for byte, whatever it shares its transaction and its memory with', async () => {
      const opened = await fresh();
      const slab = randomBytes(4_096);
      const bodies = [
        Buffer.alloc(0),
        Buffer.from(numbered(256)),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
        slab.subarray(1_000, 1_100),
        Buffer.alloc(0),
        randomBytes(1024 * 1024),
        Buffer.from('{"n":9007199254740993,"n":1e400,"__proto__":"\ufeff"}'),
      ];
      const kept = bodies.map((body) => Buffer.from(body));
      const uids = await Promise.all(bodies.map((body, n) => accepted(opened.store, arrival(`evt_${n}`, { body }))));
      const read = async (store = opened.store) => Promise.all(uids.map(async (uid) => (await store.stories(uid))[0]?.event.body));
      expect((await read()).map((body, n) => Buffer.isBuffer(body) && body.equals(kept[n] ?? slab))).toEqual(kept.map(() => true));
      const reopened = await opened.reopen();
      expect((await read(reopened)).map((body, n) => body?.equals(kept[n] ?? slab))).toEqual(kept.map(() => true));
      const due = await reopened.due('archive', T0, 100, new Set());
      expect(due.deliveries.map(({ event }, n) => Buffer.isBuffer(event.body) && event.body.equals(kept[n] ?? slab))).toEqual(kept.map(() => true));
    });

    it.each(TEXTS)('keeps an id and a type as they came: %s', async (_, text) => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival(text, { type: text }));
      const [story] = await store.stories(uid);
      const [due] = (await store.due('archive', T0, 1, new Set())).deliveries;
      const [row] = await allRows(store);
      expect([story?.event.id, story?.event.type, due?.event.id, due?.event.type, row?.eventId, row?.type]).toEqual(Array(6).fill(text));
      expect((await store.stories(text)).map((found) => found.event.uid)).toEqual([uid]);
    });

    it('gives a delivery birth as waiting, due at once', async () => {
      const { store } = await fresh();
      const uid = await accepted(store, arrival('evt_1'));
      expect(await onlyRow(store, uid)).toEqual({
        eventUid: uid,
        index: 0,
        deliveryId: `${uid}.0`,
        eventId: 'evt_1',
        source: 'castai',
        type: 'resource.created',
        receivedMs: T0,
        route: 'to archive',
        sink: 'archive',
        state: 'waiting',
        dueMs: T0,
        attempts: 0,
        reason: null,
        detail: null,
        settledMs: null,
      });
    });

    it('gives a delivery birth as dead, with its reason', async () => {
      const { store } = await fresh();
      const uid = await accepted(
        store,
        arrival('evt_1', { owes: [{ ...deadLetter('route_error', 'row "page": no such field'), route: 'page' }] as Arrival['owes'] }),
      );
      expect(await onlyRow(store, uid)).toMatchObject({
        route: 'page',
        sink: null,
        state: 'dead',
        dueMs: null,
        attempts: 0,
        reason: 'route_error',
        detail: 'row "page": no such field',
        settledMs: T0,
      });
    });

    it('keeps the deliveries of an event in the order they are owed', async () => {
      const { store } = await fresh();
      const owes = numbered(50).map((n) => (n % 7 === 3 ? deadLetter(`reason ${n}`) : owedTo(`sink ${n}`)));
      const uid = await accepted(store, arrival('evt_1', { owes }));
      const [story] = await store.stories(uid);
      expect(story?.deliveries.map((row) => [row.index, row.sink ?? row.reason])).toEqual(
        owes.map((owed, n) => [n, owed.state === 'waiting' ? owed.sink : owed.reason]),
      );
    });

    it('knows every key after it was opened again, and gives no uid twice', async () => {
      const opened = await fresh();
      const ids = numbered(600).map((n) => `evt_${n}`);
      const uids = await Promise.all(ids.map((id) => accepted(opened.store, arrival(id))));
      const store = await opened.reopen();
      const again = await Promise.all(ids.map((id) => store.accept(arrival(id))));
      expect(again.every((receipt) => receipt.kind === 'duplicate')).toBe(true);
      const more = await Promise.all(ids.map((id) => accepted(store, arrival(`more_${id}`))));
      expect(new Set([...uids, ...more]).size).toBe(1_200);
      expect(await dueIds(store, 'archive', T0, 2_000)).toHaveLength(1_200);
    });

    it('keeps the limits it is opened with', async () => {
      const { store } = await fresh();
      await store.accept(arrival('evt_1'));
      expect((await store.accept(arrival('evt_1', { receivedMs: T0 + LIMITS.dedupWindowMs }))).kind).toBe('duplicate');
      expect((await store.accept(arrival('evt_1', { receivedMs: T0 + LIMITS.dedupWindowMs + SECOND }))).kind).toBe('stored');
    });
  });
}
