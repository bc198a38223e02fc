import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { StoreUnavailable, type Arrival, type Store } from '../../src/core/store.js';
import { accepted, allRows, arrival, delivered, dueIds, LIMITS, numbered, onlyRow, retried, T0 } from '../contract/store/rig.js';
import { directory, FAULTY_WORKER_URL, NO_TELEMETRY, openStore, turn } from './sqlite-rig.js';

/** A store whose threads can be made to fail. */
async function rig(): Promise<{ store: Store; strike: (fault: string) => void; path: string; facts: string[]; reopen: () => Promise<Store> }> {
  const path = join(directory(), 'bridge.db');
  const facts: string[] = [];
  const telemetry = {
    ...NO_TELEMETRY,
    storeFailing: () => void facts.push('failing'),
    storeRecovered: () => void facts.push('recovered'),
  };
  const store = await openStore(path, LIMITS, { telemetry, workerUrl: FAULTY_WORKER_URL });
  return {
    store,
    path,
    facts,
    strike: (fault) => writeFileSync(`${path}.fault`, fault),
    reopen: async () => {
      await store.close();
      return openStore(path);
    },
  };
}

const again = <Result>(call: () => Promise<Result>): Promise<Result> => vi.waitFor(call, { timeout: 10_000, interval: 20 });

describe('the writing thread', () => {
  it.each(['throws', 'dies before the commit'])('T13: that %s rejects what it owes, keeps nothing of it, and is started anew', async (fault) => {
    const { store, strike, facts, reopen } = await rig();
    const kept = await accepted(store, arrival('kept'));
    strike(fault);
    const group = [...numbered(50).map((n) => store.accept(arrival(`evt_${n}`))), store.settle(delivered(kept))];
    // On its way, with the replay behind it.
    await turn();
    const ends = await Promise.allSettled([...group, store.replay([{ eventUid: kept, index: 0 }], T0)]);
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(ends[0].status === 'rejected' && ends[0].reason).toBeInstanceOf(StoreUnavailable);
    await expect(store.accept(arrival('while it is down'))).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await allRows(store)).map((row) => row.eventId)).toEqual(['kept']);
    expect(facts).toEqual(['failing']);
    await again(() => store.settle(delivered(kept)));
    for (const n of numbered(50)) expect((await store.accept(arrival(`evt_${n}`))).kind).toBe('stored');
    expect((await store.accept(arrival('kept'))).kind).toBe('duplicate');
    expect(facts).toEqual(['failing', 'recovered']);
    expect(await allRows(await reopen())).toHaveLength(51);
  });

  it('T12, T21: that dies between the commit and its answer has kept the event: it is found a duplicate, and due', async () => {
    const { store, strike, reopen } = await rig();
    strike('dies after the commit');
    await expect(store.accept(arrival('evt_1'))).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await again(() => store.accept(arrival('evt_1')))).kind).toBe('duplicate');
    expect(await dueIds(store, 'archive')).toHaveLength(1);
    expect(await allRows(await reopen())).toHaveLength(1);
  });

  it('that cannot be started anew at first is tried until it can', { timeout: 20_000 }, async () => {
    const { store, strike, reopen } = await rig();
    strike('throws');
    await expect(store.probe()).rejects.toThrow('a bug');
    strike('cannot start');
    await vi.waitFor(() => expect(store.probe()).rejects.toThrow('no start'), { timeout: 10_000, interval: 20 });
    await again(() => store.probe());
    expect((await store.accept(arrival('evt_1'))).kind).toBe('stored');
    await (await reopen()).close();
  });

  it('has a neighbour that reads, and is started anew as well', async () => {
    const { store, strike, facts, reopen } = await rig();
    const uid = await accepted(store, arrival('evt_1'));
    strike('the reader throws');
    await expect(dueIds(store, 'archive')).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await store.accept(arrival('evt_2'))).kind).toBe('stored');
    expect((await again(() => dueIds(store, 'archive')))[0]).toBe(`${uid}.0`);
    expect(facts).toEqual([]);
    await (await reopen()).close();
  });

  it('has another neighbour that reads for people: what becomes of it, a lane reads what is due', async () => {
    const { store, strike, reopen } = await rig();
    const uid = await accepted(store, arrival('evt_1'));
    strike('the reader throws');
    await expect(store.stories(uid)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await dueIds(store, 'archive')).toEqual([`${uid}.0`]);
    await again(() => store.stories(uid));
    await (await reopen()).close();
  });

  it('is not started anew by a store that was closed meanwhile', async () => {
    const { store, strike, path, reopen } = await rig();
    const uid = await accepted(store, arrival('evt_1'));
    strike('throws');
    await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
    const reopened = await reopen();
    expect(await onlyRow(reopened, uid)).toMatchObject({ state: 'waiting' });
    await reopened.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('is not left behind by a store that is closed while it starts', async () => {
    const { store, strike, path } = await rig();
    await store.accept(arrival('evt_1'));
    strike('throws');
    await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
    strike('waits to start');
    await vi.waitFor(() => expect(existsSync(`${path}.fault`)).toBe(false), { timeout: 10_000, interval: 20 });
    const closing = store.close();
    writeFileSync(`${path}.fault.over`, '');
    await closing;
    // The last one to close a file takes its WAL away.
    expect(existsSync(`${path}-wal`)).toBe(false);
  });
});

describe('a commit that fails', () => {
  it('T09: leaves no key, no source, no event behind, and the next one works', async () => {
    const { store, strike, facts, reopen } = await rig();
    const given = arrival('evt_1', { source: 'a new source' });
    strike('the commit fails');
    await expect(store.accept(given)).rejects.toThrow('disk I/O error');
    expect((await store.accept(given)).kind).toBe('stored');
    expect((await store.accept(given)).kind).toBe('duplicate');
    expect(facts).toEqual(['failing', 'recovered']);
    expect((await (await reopen()).stories('evt_1')).map((story) => story.event.source)).toEqual(['a new source']);
  });

  it('of a replay of many leaves every one of them as it was, and the next one makes them wait', async () => {
    const { store, strike } = await rig();
    const keys = [];
    for (const n of numbered(20)) keys.push({ eventUid: await accepted(store, arrival(`evt_${n}`)), index: 0 });
    await Promise.all(keys.map(({ eventUid }) => store.settle(delivered(eventUid))));
    strike('the commit fails');
    await expect(store.replay(keys, T0)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(new Set((await allRows(store)).map((row) => row.state))).toEqual(new Set(['delivered']));
    expect(await store.replay(keys, T0)).toEqual(keys.map(() => true));
    expect(await store.replay(keys, T0)).toEqual(keys.map(() => false));
    expect(await dueIds(store, 'archive')).toHaveLength(keys.length);
  });

  it('rejects every part of its group, settlements too, and none of them took place', async () => {
    const { store, strike, reopen } = await rig();
    const uid = await accepted(store, arrival('evt_1'));
    // What comes at once is a group.
    strike('the commit fails');
    const ends = await Promise.allSettled([
      store.accept(arrival('evt_2')),
      ...numbered(300).map((n) => store.accept(arrival(`evt_2_${n}`))),
      store.settle(retried(uid, T0 + 1)),
    ]);
    expect(ends.map((end) => end.status)).toEqual(Array<string>(302).fill('rejected'));
    expect((await allRows(store)).map((row) => [row.eventId, row.attempts])).toEqual([['evt_1', 0]]);
    for (const n of numbered(300)) expect((await store.accept(arrival(`evt_2_${n}`))).kind).toBe('stored');
    const reopened = await reopen();
    for (const n of numbered(300)) expect((await reopened.accept(arrival(`evt_2_${n}`))).kind).toBe('duplicate');
    await reopened.close();
  });
});

describe('a value that cannot be stored', () => {
  it('is rejected alone: what shares its group is stored', async () => {
    const path = join(directory(), 'bridge.db');
    const facts: string[] = [];
    const telemetry = { ...NO_TELEMETRY, storeFailing: () => void facts.push('failing') };
    const store = await openStore(path, LIMITS, { telemetry });
    const uid = await accepted(store, arrival('before'));
    const [one, other] = [await accepted(store, arrival('one')), await accepted(store, arrival('other'))];
    const none = null as unknown as string;
    const ends = await Promise.allSettled([
      store.accept(arrival('evt_1')),
      store.accept(arrival('evt_2')),
      store.accept(arrival('evt_3', { format: none })),
      store.accept(arrival('evt_4', { type: {} as string })),
      store.accept(arrival('evt_5', { receivedMs: NaN })),
      store.settle(delivered(uid)),
      store.settle(retried(uid, T0, 0, {} as number)),
      // Together: neither of them.
      store.settle(delivered(one), retried(other, NaN)),
      store.accept(arrival('evt_2')),
    ]);
    expect(ends.map((end) => end.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ] satisfies Arrival['id'][]);
    expect(facts).toEqual([]);
    for (const waiting of [one, other]) expect(await onlyRow(store, waiting)).toMatchObject({ state: 'waiting', attempts: 0 });
    expect((await store.accept(arrival('evt_3'))).kind).toBe('stored');
    await store.close();
  });
});

describe('more events than the disk takes', () => {
  it('are refused while too many wait, and all others are stored', async () => {
    const store = await openStore(join(directory(), 'bridge.db'));
    const ends = await Promise.allSettled(numbered(10_200).map((n) => store.accept(arrival(`evt_${n}`))));
    expect(ends.findIndex((end) => end.status === 'rejected')).toBe(10_000);
    expect(ends.filter((end) => end.status === 'rejected' && end.reason instanceof StoreUnavailable)).toHaveLength(200);
    expect((await store.stats()).waiting[0]?.count).toBe(10_000);
    expect((await store.accept(arrival('evt_10100'))).kind).toBe('stored');
    await store.close();
  });
});
