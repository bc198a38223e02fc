import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeadlines } from '../../src/delivery/deadlines.js';

const never = () => new Promise<never>(() => undefined);

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are shared by sends that begin within a twentieth of the timeout, and none has less than its time', async () => {
    const deadlines = createDeadlines(400, new AbortController().signal);
    const signals: AbortSignal[] = [];
    const begin = () => void deadlines.run((signal) => (signals.push(signal), never()));
    begin();
    await vi.advanceTimersByTimeAsync(19);
    begin();
    await vi.advanceTimersByTimeAsync(1);
    begin();
    expect([signals[0] === signals[1], signals[1] === signals[2]]).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(399);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    await vi.advanceTimersByTimeAsync(20);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });

  it('give up on a send that does not come back after its signal, and on no other', async () => {
    const deadlines = createDeadlines(400, new AbortController().signal);
    const given = deadlines.run(never);
    const back = deadlines.run((signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('back'))));
    await vi.advanceTimersByTimeAsync(420);
    expect(await back).toBe('back');
    await vi.advanceTimersByTimeAsync(5_000);
    expect([await given, vi.getTimerCount()]).toEqual([null, 0]);
  });

  it('end when everything stops, also for a send that begins after that', async () => {
    const stop = new AbortController();
    const deadlines = createDeadlines(400, stop.signal);
    const untilAborted = (signal: AbortSignal) =>
      new Promise<string>((resolve) => (signal.aborted ? resolve('late') : signal.addEventListener('abort', () => resolve('ended'))));
    const running = deadlines.run(untilAborted);
    stop.abort();
    expect([await running, await deadlines.run(untilAborted), vi.getTimerCount()]).toEqual(['ended', 'late', 0]);
  });

  it('hold no process once nothing is being sent', async () => {
    const deadlines = createDeadlines(400, new AbortController().signal);
    expect(await deadlines.run(() => Promise.resolve('sent'))).toBe('sent');
    await expect(deadlines.run(() => Promise.reject(new Error('closed')))).rejects.toThrow('closed');
    await vi.advanceTimersByTimeAsync(420);
    expect(vi.getTimerCount()).toBe(0);
  });
});
