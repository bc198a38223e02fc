import type { Outcome } from './outcome.js';

/** Why a delivery is dead, where the bridge itself says so. A sink's own reasons (`http_400`, `topic_not_allowed`) come beside these. */
export const DEAD = {
  undecodable: 'undecodable',
  missingId: 'missing_id',
  unrouted: 'unrouted',
  routeError: 'route_error',
  renderError: 'render_error',
  attemptsExhausted: 'attempts_exhausted',
  tooOld: 'too_old',
  sinkRemoved: 'sink_removed',
  /** The store's disk changed or lost what was received. */
  damaged: 'damaged',
} as const;

/** The route of dead letters that are forwarded: no row may have this name. */
export const ON_DEAD = 'onDead';

/** One event owed to one sink by one route. `sink` and `route` are null for a dead letter that never got as far as a sink. */
export interface Delivery {
  /** Position in its event's list; with the event's uid it makes the delivery id, which never changes. */
  readonly index: number;
  readonly route: string | null;
  readonly sink: string | null;
}

/** What is told of a dead letter where it is forwarded (`onDead`): as it was when it died first. */
export interface DeadLetter {
  readonly deliveryId: string;
  /** Null where it never got as far as a sink. */
  readonly sink: string | null;
  readonly route: string | null;
  readonly reason: string;
  readonly attempts: number;
  /** What the last attempt was answered, or the routing's own words; redacted. */
  readonly detail: string;
}

/** The id a consumer deduplicates by. */
export function deliveryId(eventUid: string, index: number): string {
  return `${eventUid}.${index}`;
}

/** The bridge's id of the event that a delivery's id names; null for a text that is none. */
export function eventUidIn(id: string): string | null {
  return /^(.+)\.\d+$/.exec(id)?.[1] ?? null;
}

/** How a sink retries. All times in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first one included; at least 1. */
  readonly attempts: number;
  /** Upper bound of the first back-off; it doubles from there. */
  readonly initialMs: number;
  /** Upper bound of every back-off, and of an accepted Retry-After. */
  readonly maxMs: number;
  /** Counted from when the event was received or last replayed: no attempt is scheduled later than that. */
  readonly maxAgeMs: number;
}

/** The state that follows an attempt. */
export type Settlement =
  | { readonly state: 'delivered' }
  | { readonly state: 'waiting'; readonly dueMs: number; readonly reason: string }
  | { readonly state: 'dead'; readonly reason: string };

/** The attempt a settlement is about. */
export interface Attempted {
  /** 1 for the first attempt since the event was received or replayed. */
  readonly attempt: number;
  /** When the event was received or last replayed. */
  readonly sinceMs: number;
}

/** A doubling past this is beyond any sane `max`, and keeps 2 ** n finite at attempt 1,000. */
const DOUBLINGS_MAX = 40;

/** The whole retry rule. Pure and total; `random` is in [0, 1). */
export function settle(outcome: Outcome, tried: Attempted, policy: RetryPolicy, nowMs: number, random: number): Settlement {
  switch (outcome.kind) {
    case 'delivered':
      return { state: 'delivered' };
    case 'rejected':
      return { state: 'dead', reason: outcome.reason };
    case 'retry': {
      // The sink pauses, and what waits for it is kept, however long that lasts: only a person ends it.
      if (outcome.pause === true) return { state: 'waiting', dueMs: nowMs, reason: outcome.reason };
      if (tried.attempt >= policy.attempts) return { state: 'dead', reason: DEAD.attemptsExhausted };
      const deadlineMs = tried.sinceMs + policy.maxAgeMs;
      if (nowMs >= deadlineMs) return { state: 'dead', reason: DEAD.tooOld };
      const dueMs = nowMs + Math.max(backOffMs(tried.attempt, policy, random), clampAfterMs(outcome.afterMs, policy.maxMs));
      return { state: 'waiting', dueMs: Math.min(dueMs, deadlineMs), reason: outcome.reason };
    }
  }
}

/** Exponential with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
export function backOffMs(attempt: number, policy: Pick<RetryPolicy, 'initialMs' | 'maxMs'>, random: number): number {
  const ceilingMs = Math.min(policy.maxMs, policy.initialMs * 2 ** Math.min(attempt - 1, DOUBLINGS_MAX));
  return Math.ceil(ceilingMs * random);
}

/** The far side's wish, made safe: hostile values (NaN, negative, 1e30) become 0 or the bound. */
export function clampAfterMs(afterMs: number | undefined, maxMs: number): number {
  if (afterMs === undefined || Number.isNaN(afterMs)) return 0;
  return Math.ceil(Math.min(Math.max(afterMs, 0), maxMs));
}
