import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs, clampAfterMs, settle, type RetryPolicy, type Settlement } from '../../src/core/delivery.js';
import type { Outcome } from '../../src/core/outcome.js';

const policy: RetryPolicy = { attempts: 5, initialMs: 1_000, maxMs: 60_000, maxAgeMs: 3_600_000 };
const failed: Outcome = { kind: 'retry', reason: 'http_503', answer: '' };
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const policies = fc.record({
  attempts: fc.integer({ min: 1, max: 2_000 }),
  initialMs: fc.integer({ min: 0, max: 1e7 }),
  maxMs: fc.integer({ min: 0, max: 1e8 }),
  maxAgeMs: fc.integer({ min: 0, max: 1e9 }),
});

describe('settle', () => {
  it('delivers what was delivered, whatever the attempt', () => {
    expect(settle({ kind: 'delivered', answer: '' }, { attempt: 1_000, sinceMs: 0 }, policy, 1e12, 0)).toEqual({ state: 'delivered' });
  });

  it('makes a rejected delivery dead with the sink’s own reason', () => {
    expect(settle({ kind: 'rejected', reason: 'http_400', answer: '' }, { attempt: 1, sinceMs: 0 }, policy, 0, 0)).toEqual({
      state: 'dead',
      reason: 'http_400',
    });
  });

  it('T28: a delivery that always fails is attempted exactly `attempts` times, and never scheduled past maxAge', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(random, { minLength: 1 }),
        fc.array(fc.option(fc.double(), { nil: undefined }), { minLength: 1 }),
        (retry, chances, wishes) => {
          let nowMs = 1_000_000;
          const sinceMs = nowMs;
          for (let attempt = 1; ; attempt++) {
            const afterMs = wishes[attempt % wishes.length];
            const outcome: Outcome = afterMs === undefined ? failed : { ...failed, afterMs };
            const settlement: Settlement = settle(outcome, { attempt, sinceMs }, retry, nowMs, chances[attempt % chances.length] ?? 0);
            expect(attempt).toBeLessThanOrEqual(retry.attempts);
            if (settlement.state === 'dead') {
              expect(settlement.reason).toBe(attempt === retry.attempts ? 'attempts_exhausted' : 'too_old');
              return;
            }
            if (settlement.state === 'delivered') throw new Error('a failure was delivered');
            expect(settlement.dueMs).toBeGreaterThanOrEqual(nowMs);
            expect(settlement.dueMs).toBeLessThanOrEqual(sinceMs + retry.maxAgeMs);
            nowMs = settlement.dueMs;
          }
        },
      ),
    );
  });

  it('T52: a hostile Retry-After never leaves the bounds', () => {
    for (const afterMs of [NaN, Infinity, -Infinity, -5, 1e30, 0.5]) {
      const settlement = settle({ ...failed, afterMs }, { attempt: 1, sinceMs: 0 }, policy, 0, 0.5);
      if (settlement.state !== 'waiting') throw new Error('not waiting');
      expect(settlement.dueMs).toBeGreaterThanOrEqual(500);
      expect(settlement.dueMs).toBeLessThanOrEqual(policy.maxMs);
    }
    expect(clampAfterMs(undefined, 10)).toBe(0);
  });

  it('a Retry-After raises the due time, and does not lower it', () => {
    expect(settle({ ...failed, afterMs: 30_000 }, { attempt: 1, sinceMs: 0 }, policy, 0, 0.5)).toMatchObject({ dueMs: 30_000 });
    expect(settle({ ...failed, afterMs: 1 }, { attempt: 1, sinceMs: 0 }, policy, 0, 0.5)).toMatchObject({ dueMs: 500 });
  });

  it('an attempt that was late because the lane was held still counts as one, and is the last', () => {
    expect(settle(failed, { attempt: 1, sinceMs: 0 }, policy, policy.maxAgeMs + 1, 0.5)).toEqual({ state: 'dead', reason: 'too_old' });
  });
});

describe('back-off', () => {
  it('T29: is finite and within bounds at attempt 1,000', () => {
    expect(backOffMs(1_000, policy, 0.999)).toBeLessThanOrEqual(policy.maxMs);
    expect(Number.isFinite(backOffMs(1_000, { initialMs: 1, maxMs: Number.MAX_SAFE_INTEGER }, 0.999))).toBe(true);
  });

  it('T29: 10,000 failures at once are spread over the whole interval', () => {
    const buckets = new Array<number>(10).fill(0);
    let seed = 42;
    for (let count = 0; count < 10_000; count++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const bucket = Math.min(9, Math.floor(backOffMs(4, policy, seed / 2 ** 31) / 800));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).toBeGreaterThan(700);
  });

  it('T16: doubles from `initial` in milliseconds', () => {
    expect([1, 2, 3, 7, 8].map((attempt) => backOffMs(attempt, policy, 0.5))).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  });
});

it('a pause keeps what waits, beyond attempts and age', () => {
  const policy = { attempts: 1, initialMs: 1_000, maxMs: 60_000, maxAgeMs: 10 };
  const outcome = { kind: 'retry', reason: 'http_410', answer: '', holdSink: true, pause: true } as const;
  expect(settle(outcome, { attempt: 99, sinceMs: 0 }, policy, 1e9, 0.5)).toEqual({ state: 'waiting', dueMs: 1e9, reason: 'http_410' });
});
