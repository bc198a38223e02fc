import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { createGate, PAUSE_MS } from '../../src/delivery/gate.js';
import { newSlot } from '../../src/delivery/pace.js';

const pace = (perSecond: number, burst = 1) => ({ perSecond, burst, slot: newSlot() });
const policy = { attempts: 5, initialMs: 1_000, maxMs: 60_000, maxAgeMs: 1e9 };
const delivered: Outcome = { kind: 'delivered', answer: '' };
const rejected: Outcome = { kind: 'rejected', reason: 'http_400', answer: '' };
const failed: Outcome = { kind: 'retry', reason: 'http_500', answer: '' };
const down: Outcome = { kind: 'retry', reason: 'refused', answer: '', holdSink: true };

describe('pacing', () => {
  it('T38: one a second means the second send waits a second', () => {
    const gate = createGate(pace(1), policy, () => 0);
    expect(gate.waitMs(5_000)).toBe(0);
    gate.sent(1, 5_000);
    expect(gate.waitMs(5_000)).toBe(1_000);
    expect(gate.waitMs(6_000)).toBe(0);
  });

  it('does not save up slots while idle', () => {
    const gate = createGate(pace(1), policy, () => 0);
    gate.sent(1, 0);
    gate.sent(1, 100_000);
    expect(gate.waitMs(100_000)).toBe(1_000);
  });

  it('makes a batch no larger than a second’s worth', () => {
    expect(createGate(pace(5, 5), policy, () => 0).room(100, 0)).toBe(5);
    expect(createGate(null, policy, () => 0).room(100, 0)).toBe(100);
  });
});

describe('the breaker', () => {
  it('opens at the fifth failed send in a row, and lets one delivery try when its time is over', () => {
    const gate = createGate(null, policy, () => 0.5);
    for (let count = 0; count < 4; count++) expect(gate.ended([failed], 0)).toEqual({ change: 'none' });
    expect(gate.ended([failed], 0)).toEqual({ change: 'held', cause: 'http_500', forMs: 750 });
    expect(gate.waitMs(0)).toBe(750);
    expect([gate.room(100, 0), gate.width(8)]).toEqual([1, 1]);
    expect(gate.ended([delivered], 750)).toEqual({ change: 'resumed' });
    expect([gate.room(100, 0), gate.width(8)]).toEqual([100, 8]);
  });

  it('does not open where one message of many fails', () => {
    const gate = createGate(null, policy, () => 0.5);
    for (let count = 0; count < 50; count++) expect(gate.ended([failed, delivered], 0)).toEqual({ change: 'none' });
  });

  it('counts a rejection as an answer: the far side is there', () => {
    const gate = createGate(null, policy, () => 0.5);
    for (let count = 0; count < 50; count++) gate.ended(count % 2 === 0 ? [failed] : [rejected], 0);
    expect(gate.waitMs(0)).toBe(0);
  });

  it('T33: opens at once where the fault is the far side’s as a whole, longer each time, 30 s at most', () => {
    const gate = createGate(null, policy, () => 0.999);
    let nowMs = 0;
    const holds = Array.from({ length: 12 }, () => {
      const end = gate.ended([down], nowMs);
      nowMs += gate.waitMs(nowMs);
      return end.change === 'held' ? end.forMs : 0;
    });
    expect(holds.slice(0, 3)).toEqual([1_000, 1_999, 3_998]);
    expect(Math.max(...holds)).toBeLessThanOrEqual(30_000);
    expect(holds.at(-1)).toBeGreaterThan(29_000);
  });

  it('takes what was under way together for one failure, and a late success for no end of the hold', () => {
    const gate = createGate(null, policy, () => 0.5);
    expect(gate.ended([down], 0)).toMatchObject({ change: 'held', forMs: 750 });
    for (let count = 0; count < 7; count++) expect(gate.ended([down], 10)).toEqual({ change: 'none' });
    expect(gate.ended([delivered], 20)).toEqual({ change: 'none' });
    expect(gate.waitMs(20)).toBe(730);
    expect(gate.width(8)).toBe(1);
    expect(gate.ended([{ ...down, afterMs: 5_000 }], 30)).toMatchObject({ change: 'held', forMs: 5_000 });
    expect(gate.ended([down], 5_030)).toMatchObject({ change: 'held', forMs: 1_500 });
  });

  it('T37: a Retry-After holds the whole lane, clamped to the policy', () => {
    const gate = createGate(null, policy, () => 0);
    gate.ended([{ ...down, reason: 'http_429', afterMs: 7_000 }], 0);
    expect(gate.waitMs(0)).toBe(7_000);
    gate.ended([{ ...down, reason: 'http_429', afterMs: 1e30 }], 0);
    expect(gate.waitMs(0)).toBe(60_000);
  });
});

describe('a far side that wants nothing any more (410)', () => {
  const gone: Outcome = { kind: 'retry', reason: 'http_410', answer: '', holdSink: true, pause: true };

  it('pauses the sink for a quarter of an hour, whatever its retry policy says, and asks with one delivery then', () => {
    const gate = createGate(null, policy, () => 0);
    expect(gate.ended([gone, down], 0)).toEqual({ change: 'paused', cause: 'http_410', forMs: PAUSE_MS });
    expect([gate.waitMs(0), gate.room(100, 0), gate.width(8)]).toEqual([PAUSE_MS, 1, 1]);
    expect(gate.ended([gone], PAUSE_MS)).toMatchObject({ change: 'paused', forMs: PAUSE_MS });
    expect(gate.ended([delivered], 2 * PAUSE_MS)).toEqual({ change: 'resumed' });
  });

  it('is told once, however many were under way', () => {
    const gate = createGate(null, policy, () => 0);
    expect(Array.from({ length: 8 }, (_, atMs) => gate.ended([gone], atMs).change)).toEqual(['paused', ...Array.from({ length: 7 }, () => 'none')]);
  });
});
