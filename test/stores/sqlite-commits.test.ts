import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Receipt, Store } from '../../src/core/store.js';
import { arrival, delivered, numbered } from '../contract/store/rig.js';
import { directory, NO_TELEMETRY, openStore, turn } from './sqlite-rig.js';

/** What each commit held. */
let commits: { readonly events: number; readonly settlements: number }[];
beforeEach(() => (commits = []));

/** A store with so many events, and a clock that stands still: what waits for it waits for ever. */
async function opened(count: number): Promise<{ store: Store; uids: string[] }> {
  const committed = ({ events, settlements }: (typeof commits)[number]) => void commits.push({ events, settlements });
  const store = await openStore(join(directory(), 'bridge.db'), undefined, { telemetry: { ...NO_TELEMETRY, committed } });
  onTestFinished(() => store.close());
  const receipts = await store.acceptTogether(numbered(count).map((n) => arrival(`evt_${n}`)));
  commits = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  return { store, uids: receipts.map(uidOf) };
}

function uidOf(receipt: Receipt): string {
  return receipt.kind === 'stored' ? receipt.event.uid : '';
}

describe('arrivals', () => {
  it('of one turn of the event loop share a commit, those that come with the answer of the one before as well', async () => {
    const { store } = await opened(0);
    const first = store.accept(arrival('evt_1'));
    await turn();
    const second = store.accept(arrival('evt_2'));
    await first;
    await Promise.all([second, store.accept(arrival('evt_3'))]);
    expect(commits.map(({ events }) => events)).toEqual([1, 2]);
  });
});

describe('settlements', () => {
  it('of one moment share a commit, though they come one by one', async () => {
    const { store, uids } = await opened(3);
    const settling: Promise<void>[] = [];
    for (const uid of uids) {
      settling.push(store.settle(delivered(uid)));
      await turn();
    }
    expect(commits).toEqual([]);
    vi.advanceTimersByTime(5);
    await Promise.all(settling);
    expect(commits).toEqual([{ events: 0, settlements: 3 }]);
  });

  it('go with the next arrival, which waits for nothing', async () => {
    const { store, uids } = await opened(2);
    const settling = store.settle(...uids.map((uid) => delivered(uid)));
    await turn();
    await store.accept(arrival('evt_next'));
    await settling;
    expect(commits).toEqual([{ events: 1, settlements: 2 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that come while a commit is under way wait for others, too', async () => {
    const { store, uids } = await opened(2);
    const [first = '', second = ''] = uids;
    const accepting = store.accept(arrival('evt_next'));
    // Its group is on the way when all that came in with it has been looked at.
    await turn();
    const settling = [store.settle(delivered(first))];
    await accepting;
    await turn();
    settling.push(store.settle(delivered(second)));
    vi.advanceTimersByTime(5);
    await Promise.all(settling);
    expect(commits).toEqual([
      { events: 1, settlements: 0 },
      { events: 0, settlements: 2 },
    ]);
  });

  it('wait no longer once there are many', async () => {
    const { store, uids } = await opened(256);
    await Promise.all(uids.map((uid) => store.settle(delivered(uid))));
    expect(commits).toEqual([{ events: 0, settlements: 256 }]);
  });

  it('that another delivery waits for do not wait, nor what came before them', async () => {
    const { store, uids } = await opened(2);
    const [first = '', second = ''] = uids;
    const settling = store.settle(delivered(first));
    await store.settle({ ...delivered(second), urgent: true });
    await settling;
    expect(commits).toEqual([{ events: 0, settlements: 2 }]);
  });

  it('are written before the store is closed', async () => {
    const { store, uids } = await opened(1);
    const settling = store.settle(delivered(uids[0] ?? ''));
    await store.close();
    await settling;
    expect(commits).toEqual([{ events: 0, settlements: 1 }]);
  });
});
