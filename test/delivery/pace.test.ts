import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newSlot, paceRoom, paceWaitMs, usePace, type Pace } from '../../src/delivery/pace.js';

const pace = (perSecond: number, burst: number): Pace => ({ perSecond, burst, slot: newSlot() });

describe('a pace', () => {
  it('lets a burst go at once after a quiet time, and then one for each interval', () => {
    const slow = pace(1, 3);
    expect([paceRoom(slow, 0), paceWaitMs(slow, 0)]).toEqual([3, 0]);
    usePace(slow, 3, 0);
    expect([paceRoom(slow, 0), paceWaitMs(slow, 0)]).toEqual([0, 1_000]);
    expect([paceRoom(slow, 1_000), paceWaitMs(slow, 1_000)]).toEqual([1, 0]);
    usePace(slow, 1, 1_000);
    expect([paceWaitMs(slow, 1_000), paceRoom(slow, 4_000)]).toEqual([1_000, 3]);
  });

  it('of one far side is used up by each of its sinks, at their own rates', () => {
    const slot = newSlot();
    const [one, other] = [
      { perSecond: 1, burst: 1, slot },
      { perSecond: 2, burst: 1, slot },
    ];
    usePace(one, 1, 0);
    expect([paceWaitMs(one, 0), paceWaitMs(other, 0)]).toEqual([1_000, 1_000]);
    usePace(other, 1, 1_000);
    expect([paceWaitMs(one, 1_000), paceWaitMs(other, 1_000)]).toEqual([500, 500]);
  });

  it('is kept over any span of time, whatever arrives', () => {
    const arrivals = fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 5 })), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 6 }), arrivals, (perSecond, burst, gaps) => {
        const limited = pace(perSecond, burst);
        const sent: number[] = [];
        let nowMs = 0;
        for (const [gapMs, count] of gaps) {
          nowMs += gapMs;
          for (let n = 0; n < count; n++) {
            nowMs += paceWaitMs(limited, nowMs);
            expect(paceRoom(limited, nowMs + 1e-6)).toBeGreaterThan(0);
            usePace(limited, 1, nowMs);
            sent.push(nowMs);
          }
        }
        sent.forEach((first, at) => {
          for (let to = at; to < sent.length; to++) {
            const spanMs = (sent[to] ?? 0) - first;
            expect(to - at + 1).toBeLessThanOrEqual(burst + (spanMs * perSecond) / 1_000 + 1e-6);
          }
        });
      }),
    );
  });
});
