import { backOffMs, clampAfterMs, type RetryPolicy } from '../core/delivery.js';
import type { Outcome } from '../core/outcome.js';
import { paceRoom, paceWaitMs, usePace, type Pace } from './pace.js';

/** Sends that must fail in a row before a lane stops, where the faults might be the messages' own. */
const FAILURES_TO_OPEN = 5;

/** A far side that is back is noticed this late at most. */
const HOLD_MS_MAX = 30_000;

/** How long one that wants nothing any more (HTTP 410) is left alone: then one delivery asks again. */
export const PAUSE_MS = 15 * 60_000;

/** When a lane may send. Pacing, `Retry-After` and the circuit breaker in one place: all three hold the lane, and burn no attempts but that of the delivery that tries. */
export interface Gate {
  /** How long the lane must wait before its next send, in ms; 0: go. */
  waitMs(nowMs: number): number;
  /** How many deliveries the next send may take. 1 while the breaker tries whether the far side is back. */
  room(batch: number, nowMs: number): number;
  /** Sends that may be under way at once. 1 while the breaker tries. */
  width(concurrency: number): number;
  /** A send of `count` messages starts. */
  sent(count: number, nowMs: number): void;
  /** A send ended. `held`: the lane stops, for so many ms; `resumed`: it goes on. */
  ended(
    outcomes: readonly Outcome[],
    nowMs: number,
  ): { readonly change: 'held' | 'paused'; readonly cause: string; readonly forMs: number } | { readonly change: 'resumed' | 'none' };
}

/** `random` is in [0, 1). */
export function createGate(pace: Pace | null, policy: RetryPolicy, random: () => number): Gate {
  let heldUntilMs = 0;
  let pausedUntilMs = 0;
  let failures = 0;
  let holds = 0;

  return {
    waitMs: (nowMs) => Math.max(0, heldUntilMs - nowMs, pace === null ? 0 : paceWaitMs(pace, nowMs)),
    room: (batch, nowMs) => (holds > 0 ? 1 : pace === null ? batch : Math.min(batch, Math.max(1, paceRoom(pace, nowMs)))),
    width: (concurrency) => (holds > 0 ? 1 : concurrency),

    sent(count, nowMs) {
      if (pace !== null) usePace(pace, count, nowMs);
    },

    ended(outcomes, nowMs) {
      const isHeld = nowMs < heldUntilMs;
      const failed = outcomes.filter((outcome) => outcome.kind === 'retry');
      // Delivered or rejected: either way the far side answers. What was under way when the lane was held does not end the hold.
      if (failed.length < outcomes.length && !failed.some((outcome) => outcome.holdSink)) {
        const resumed = holds > 0 && !isHeld;
        if (!isHeld) [failures, holds] = [0, 0];
        return { change: resumed ? 'resumed' : 'none' };
      }
      failures += 1;
      const pausing = failed.find((outcome) => outcome.pause);
      const worst = pausing ?? failed.find((outcome) => outcome.holdSink) ?? failed[0];
      if (worst === undefined || (failures < FAILURES_TO_OPEN && worst.holdSink !== true)) return { change: 'none' };
      // Nor does it make one more: it failed with the others.
      if (!isHeld) holds += 1;
      const askedMs = Math.max(...failed.map((outcome) => clampAfterMs(outcome.afterMs, policy.maxMs)));
      // At least half of the ceiling: a jitter near zero would hammer a far side that is down.
      const ownMs = backOffMs(holds, { initialMs: policy.initialMs, maxMs: Math.min(policy.maxMs, HOLD_MS_MAX) }, 0.5 + random() / 2);
      const forMs = Math.max(askedMs, isHeld ? 0 : ownMs, pausing === undefined ? 0 : PAUSE_MS);
      if (nowMs + forMs <= heldUntilMs || (pausing !== undefined && nowMs < pausedUntilMs)) return { change: 'none' };
      heldUntilMs = nowMs + forMs;
      if (pausing !== undefined) pausedUntilMs = heldUntilMs;
      return { change: pausing === undefined ? 'held' : 'paused', cause: worst.reason, forMs };
    },
  };
}
