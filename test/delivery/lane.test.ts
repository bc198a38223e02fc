import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { newSlot } from '../../src/delivery/pace.js';
import { due, rig } from './lane-rig.js';

const delivered: Outcome = { kind: 'delivered', answer: '200' };
const failed: Outcome = { kind: 'retry', reason: 'http_503', answer: '' };
const HOUR = 3_600_000;
const turn = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('a lane', () => {
  it('sends a fresh delivery at once, and settles it; it costs the store no read and no claim', async () => {
    const { lane, accept, sent, settled, waiting, state } = rig();
    lane.start();
    await turn();
    accept(due('a'));
    expect(sent.map((send) => send.ids)).toEqual([['a.0']]);
    sent[0]?.answer(delivered);
    await turn();
    expect(settled.map((write) => write.settlement.state)).toEqual(['delivered']);
    expect(waiting.size).toBe(0);
    // The one read at start.
    expect(state.dueCalls).toBe(1);
  });

  it('sends together what was stored together', async () => {
    const { lane, accept, sent } = rig({ concurrency: 4, batch: 10 });
    lane.start();
    await turn();
    accept(due('a'), due('b'), due('c'));
    expect(sent.map((send) => send.ids)).toEqual([['a.0', 'b.0', 'c.0']]);
  });

  it('that is stopped at once sends nothing of what was just stored', async () => {
    const { lane, sent } = rig();
    lane.start();
    await turn();
    lane.offer(due('a'));
    await lane.stop(1_000);
    await turn();
    expect(sent).toEqual([]);
  });

  it('sends a failed delivery again when it is due, not before', async () => {
    const { lane, accept, sent } = rig();
    lane.start();
    await turn();
    accept(due('a'));
    sent[0]?.answer(failed);
    await vi.advanceTimersByTimeAsync(499);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(2);
  });

  it('T12: takes up what the store has waiting at start, oldest due first', async () => {
    const { lane, waiting, sent } = rig({ concurrency: 1, batch: 10 });
    for (const [uid, dueMs] of [
      ['late', 999],
      ['early', 1],
      ['future', 1_000_500],
    ] as const)
      waiting.set(`${uid}.0`, { ...due(uid), dueMs });
    lane.start();
    await turn();
    expect(sent.map((send) => send.ids)).toEqual([['early.0', 'late.0']]);
    sent[0]?.answer(delivered);
    await vi.advanceTimersByTimeAsync(500);
    expect(sent[1]?.ids).toEqual(['future.0']);
  });

  it('T12: waits no longer for a clock that is set back, and then keeps to the new one', async () => {
    const { lane, accept, sent, state } = rig();
    state.answer = () => failed;
    lane.start();
    await turn();
    accept(due('a', { sinceMs: 1_000_000 }));
    await turn();
    vi.setSystemTime(1_000_000 - HOUR);
    await vi.advanceTimersByTimeAsync(499);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(999);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(3);
  });

  it('T12: takes up at start what a clock has scheduled that was ahead by hours, behind what is due', async () => {
    const { lane, waiting, sent } = rig({ concurrency: 1 });
    const put = (uid: string, dueMs: number) => waiting.set(`${uid}.0`, { ...due(uid), dueMs });
    put('ahead', 1_000_000 + HOUR);
    put('due', 1_000_000);
    // Within the longest back-off: a time of this clock.
    put('backing off', 1_000_000 + 60_000);
    lane.start();
    await turn();
    sent[0]?.answer(delivered);
    await turn();
    sent[1]?.answer(delivered);
    await turn();
    expect(sent.map((send) => send.ids)).toEqual([['due.0'], ['ahead.0']]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent[2]?.ids).toEqual(['backing off.0']);
  });

  it('T28: gives nothing up because the clock leapt ahead, short of maxAge; past it, at the next failure', async () => {
    const { lane, accept, sent, facts, state } = rig();
    state.answer = () => failed;
    lane.start();
    await turn();
    accept(due('a', { sinceMs: 1_000_000 }));
    await turn();
    vi.setSystemTime(1_000_000 + HOUR);
    await vi.advanceTimersByTimeAsync(500);
    expect(sent).toHaveLength(2);
    vi.setSystemTime(1_000_000 + 24 * HOUR);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(facts).toEqual(['a.0 retry → waiting', 'a.0 retry → waiting', 'a.0 retry → dead']);
  });

  it('T22: never has one delivery in two sends, though the store still calls it waiting', async () => {
    const { lane, accept, sent } = rig({ concurrency: 8 });
    lane.start();
    await turn();
    accept(due('a'));
    lane.wake();
    await turn();
    lane.offer(due('a'));
    lane.wake();
    await turn();
    expect(sent).toHaveLength(1);
  });

  /** A delivery whose first attempt ends in `outcome` (null: not yet) while a page is being read: one that was there `before` the store was asked is not in the page, one that came `after` is. */
  async function endedWhileReading(outcome: Outcome | null, arrives: 'before' | 'after') {
    const { lane, accept, sent, state } = rig({ concurrency: 8 });
    lane.start();
    await turn();
    let [cut, read] = [(): void => undefined, (): void => undefined];
    state.cutting = new Promise<void>((resolve) => (cut = resolve));
    state.reading = new Promise<void>((resolve) => (read = resolve));
    if (arrives === 'before') accept(due('a'));
    lane.wake();
    if (arrives === 'after') accept(due('a'));
    cut();
    await turn();
    if (outcome !== null) sent[0]?.answer(outcome);
    await turn();
    read();
    await turn();
    return sent;
  }

  it('T22: does not send what was settled while a page was being read that still calls it waiting', async () => {
    const sent = await endedWhileReading(delivered, 'after');
    expect(sent).toHaveLength(1);
  });

  it('T22: does not send again what came, and is being sent, while a page was being read that has it too', async () => {
    const sent = await endedWhileReading(null, 'after');
    expect(sent).toHaveLength(1);
  });

  it('does not forget a retry that fell due while a page was being read', async () => {
    const sent = await endedWhileReading(failed, 'before');
    await vi.advanceTimersByTimeAsync(500);
    expect(sent.map(({ ids }) => ids)).toEqual([['a.0'], ['a.0']]);
  });

  it('T20: sends once what a slow sink answers just inside its timeout', async () => {
    const { lane, accept, sent, settled } = rig({ timeoutMs: 10_000 });
    lane.start();
    await turn();
    accept(due('a'));
    await vi.advanceTimersByTimeAsync(9_999);
    lane.wake();
    await turn();
    expect(sent[0]?.signal.aborted).toBe(false);
    sent[0]?.answer(delivered);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
    expect(settled.map((write) => write.settlement.state)).toEqual(['delivered']);
  });

  it('T38: keeps its pace: a delivery a second, however many wait', async () => {
    const { lane, accept, sent, state } = rig({ pace: { perSecond: 1, burst: 1, slot: newSlot() }, concurrency: 8 });
    state.answer = () => delivered;
    lane.start();
    await turn();
    for (let count = 0; count < 10; count++) accept(due(`d${count}`));
    await turn();
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(sent).toHaveLength(4);
  });

  it('T33: lets one delivery try whether a far side is back, not as many as it may send at once', async () => {
    const { lane, accept, sent } = rig({ concurrency: 8 });
    lane.start();
    await turn();
    for (let count = 0; count < 20; count++) accept(due(`d${count}`));
    expect(sent).toHaveLength(8);
    for (const one of [...sent]) one.answer({ kind: 'retry', reason: 'refused', answer: '', holdSink: true });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toHaveLength(9);
    sent[8]?.answer(delivered);
    await turn();
    expect(sent.length).toBeGreaterThan(9);
  });

  it('T35: holds no more than it can while the store does not write, and waits without spinning', async () => {
    const { lane, waiting, sent, state } = rig({ concurrency: 1, batch: 100 });
    const body = Buffer.alloc(1024 * 1024);
    for (let count = 0; count < 550; count++) waiting.set(`d${count}.0`, { ...due(`d${count}`, { body }), dueMs: count });
    state.answer = () => delivered;
    state.settleDown = true;
    lane.start();
    await vi.advanceTimersByTimeAsync(1_000);
    // One page: the bodies of a second one would be too many.
    expect(sent.flatMap(({ ids }) => ids)).toHaveLength(500);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.dueCalls).toBe(1);
    // The pauses of 500 settlements, which double up to five seconds, and nothing beside them.
    expect(timers.mock.calls.length).toBeLessThan(500 * 5);
    state.settleDown = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(waiting.size).toBe(0);
    expect(sent.flatMap(({ ids }) => ids)).toHaveLength(550);
  });

  it('T09: what cannot be written down does not hold up what was sent with it', async () => {
    const { lane, accept, sent, waiting, facts, state } = rig({ concurrency: 1, batch: 3, deadTo: () => ['other'] });
    lane.start();
    await turn();
    accept(due('d0'));
    for (const id of ['a', 'b', 'c']) accept(due(id));
    state.refused = 'b';
    sent[0]?.answer(delivered);
    await turn();
    sent[1]?.answer([{ kind: 'retry', reason: 'http_503', answer: '' }, delivered, { kind: 'rejected', reason: 'http_400', answer: '' }]);
    await turn();
    expect(facts).toEqual(['d0.0 delivered → delivered', 'a.0 retry → waiting', 'c.0 rejected → dead', 'wake other']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map(({ ids }) => ids)).toEqual([['d0.0'], ['a.0', 'b.0', 'c.0'], ['a.0']]);
    sent[2]?.answer(delivered);
    await turn();
    expect([...waiting.keys()]).toEqual(['b.0']);
    state.refused = '';
    await vi.advanceTimersByTimeAsync(10_000);
    expect(waiting.size).toBe(0);
    expect(sent).toHaveLength(3);
  });

  it('tells once that the store cannot be read, and once that it can', async () => {
    const { lane, facts, state } = rig();
    state.storeDown = true;
    lane.start();
    await vi.advanceTimersByTimeAsync(10_000);
    state.storeDown = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(facts).toEqual(['unreadable', 'readable']);
  });

  it('T30: an open breaker burns no attempts: what waits behind it is untouched', async () => {
    const { lane, accept, sent, settled, state } = rig({ concurrency: 1 });
    lane.start();
    await turn();
    state.answer = () => ({ kind: 'retry', reason: 'refused', answer: '', holdSink: true });
    for (let count = 0; count < 20; count++) accept(due(`d${count}`));
    await turn();
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(600_000);
    // Ten minutes at a hold of 15 to 30 s: a few dozen sends over 20 deliveries, where each alone would have had its five.
    expect(sent.length).toBeLessThan(60);
    // An attempt is written for each send, and for nothing else.
    expect(settled).toHaveLength(sent.length);
    state.answer = () => delivered;
    await vi.advanceTimersByTimeAsync(3_600_000);
    const ended = settled.filter((write) => write.settlement.state !== 'waiting');
    expect(ended.map((write) => write.settlement.state)).toEqual(Array<string>(20).fill('delivered'));
  });

  it('waits for the store to write, and keeps sending others meanwhile', async () => {
    const { lane, accept, sent, settled, state } = rig({ concurrency: 1 });
    lane.start();
    await turn();
    state.storeDown = true;
    state.answer = () => delivered;
    accept(due('a'));
    accept(due('b'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map((send) => send.ids)).toEqual([['a.0'], ['b.0']]);
    expect(settled).toHaveLength(0);
    state.storeDown = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(settled.map((write) => write.eventUid).sort()).toEqual(['a', 'b']);
    expect(sent).toHaveLength(2);
  });

  it('T35: does nothing while idle, and does not spin while the store fails', async () => {
    const { lane, state } = rig();
    lane.start();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(state.dueCalls).toBe(1);
    state.storeDown = true;
    lane.wake();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.dueCalls).toBeLessThanOrEqual(62);
  });

  it('reads back from the store what did not fit into memory, each once', async () => {
    const { lane, accept, sent, settled, state } = rig({ concurrency: 1, batch: 100 });
    lane.start();
    await turn();
    for (let count = 0; count < 3_000; count++) accept(due(`d${count}`));
    state.answer = () => delivered;
    sent[0]?.answer(delivered);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(settled).toHaveLength(3_000);
    expect(new Set(sent.flatMap((send) => send.ids)).size).toBe(3_000);
    expect(sent.flatMap((send) => send.ids)).toHaveLength(3_000);
  });

  it('a sink that ignores its signal loses its slot for no longer than the time to give it up', async () => {
    const { lane, accept, sent, facts } = rig({ concurrency: 1, timeoutMs: 1_000 });
    lane.start();
    await turn();
    accept(due('a'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent[0]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(50);
    expect(sent[0]?.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(facts[0]).toBe('a.0 retry → waiting');
  });

  it('a sink that throws, or answers for too few, costs an attempt, not the delivery', async () => {
    const { lane, accept, sent, facts } = rig({ batch: 2, concurrency: 1 });
    lane.start();
    await turn();
    accept(due('z'));
    accept(due('a'));
    accept(due('b'));
    sent[0]?.answer(delivered);
    await turn();
    sent[1]?.answer([delivered]);
    await turn();
    expect(facts).toEqual(['z.0 delivered → delivered', 'a.0 delivered → delivered', 'b.0 retry → waiting']);
  });

  it('a text that cannot be rendered makes that delivery dead, and sends its batch mates', async () => {
    const { lane, accept, sent, facts } = rig({
      batch: 10,
      concurrency: 1,
      render: (event) => {
        if (event.id === 'id-bad') throw new Error('no such key');
        return null;
      },
    });
    lane.start();
    await turn();
    accept(due('first'));
    accept(due('bad'));
    accept(due('good'));
    sent[0]?.answer(delivered);
    await turn();
    expect(sent[1]?.ids).toEqual(['good.0']);
    sent[1]?.answer(delivered);
    await turn();
    expect(facts).toContain('bad.0 rejected → dead');
    expect(facts).toContain('good.0 delivered → delivered');
  });

  it('is not held longer by a clock that is set back', async () => {
    const { lane, accept, sent } = rig({ pace: { perSecond: 1, burst: 1, slot: newSlot() }, concurrency: 1 });
    lane.start();
    await turn();
    accept(due('a'));
    sent[0]?.answer(delivered);
    await turn();
    vi.setSystemTime(Date.now() - 3_600_000);
    accept(due('b', { sinceMs: Date.now() }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map(({ ids }) => ids)).toEqual([['a.0'], ['b.0']]);
  });

  describe('that stops (T19)', () => {
    it('lets what is under way end, and starts nothing new', async () => {
      const { lane, accept, sent, settled, state } = rig({ concurrency: 1 });
      lane.start();
      await turn();
      accept(due('a'));
      accept(due('b'));
      const stopped = lane.stop(20_000);
      sent[0]?.answer(delivered);
      await turn();
      await stopped;
      expect(settled.map((write) => write.eventUid)).toEqual(['a']);
      expect(sent).toHaveLength(1);
      expect(state.closed).toBe(1);
    });

    it('does not wait for ever for a sink that does not let go', async () => {
      const { lane, state } = rig();
      state.closing = new Promise(() => undefined);
      lane.start();
      const stopped = lane.stop(2_000);
      await vi.advanceTimersByTimeAsync(5_000);
      await stopped;
      expect(state.closed).toBe(1);
    });

    it('before it began, never begins: another one may have its deliveries', async () => {
      const { lane, accept, sent, state } = rig();
      await lane.stop(0);
      lane.start();
      accept(due('a'));
      await vi.advanceTimersByTimeAsync(60_000);
      expect([state.dueCalls, sent]).toEqual([0, []]);
    });

    it('ends, whatever its sink says when it is closed', async () => {
      const { lane, state } = rig();
      state.closing = Promise.reject(new Error('no connection'));
      lane.start();
      await lane.stop(2_000);
      expect(state.closed).toBe(1);
    });

    it('told again, ends at the earlier of both times, and closes its sink once', async () => {
      const { lane, accept, sent, state } = rig({ concurrency: 1 });
      lane.start();
      await turn();
      accept(due('a'));
      const stopped = [lane.stop(20_000), lane.stop(2_000), lane.stop(60_000)];
      await vi.advanceTimersByTimeAsync(1_999);
      expect(sent[0]?.signal.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(sent[0]?.signal.aborted).toBe(true);
      sent[0]?.answer(failed);
      await Promise.all(stopped);
      expect(state.closed).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('cuts short what outlasts the grace time, and leaves it waiting with its attempts unspent', async () => {
      const { lane, accept, sent, settled, waiting } = rig({ concurrency: 1 });
      lane.start();
      await turn();
      accept(due('a'));
      const stopped = lane.stop(2_000);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(sent[0]?.signal.aborted).toBe(true);
      sent[0]?.answer({ kind: 'retry', reason: 'timeout', answer: '' });
      await turn();
      await stopped;
      expect(settled).toHaveLength(0);
      expect(waiting.get('a.0')).toMatchObject({ attempts: 0 });
    });
  });
});
