import type { Outcome } from './outcome.js';
import type { Settlement } from './delivery.js';

/** Everything worth counting or logging, as facts. One implementation writes the log lines and the metrics. */
export interface Telemetry {
  accepted(fact: { source: string; type: string; id: string; uid: string; deliveries: number; durationMs: number }): void;
  duplicate(fact: { source: string; type: string; id: string }): void;
  /** A request that was not accepted. `reason`: body_too_large, timeout, encoding, signature, undecodable, missing_id, store_unavailable, … */
  refused(fact: { source: string; reason: string; status: number; detail: string }): void;
  /** An event that no row matched, or whose row could not be evaluated. */
  misrouted(fact: { source: string; type: string; id: string; uid: string; reason: string; detail: string }): void;
  /** Which of a source's secrets matched: tells when an old one is no longer used. */
  secretUsed(fact: { source: string; secretIndex: number }): void;
  attempted(fact: {
    source: string;
    sink: string;
    route: string | null;
    deliveryId: string;
    eventId: string;
    type: string;
    attempt: number;
    durationMs: number;
    outcome: Outcome;
    settlement: Settlement;
    ageMs: number;
  }): void;
  /** A source that is asked for its events was: `fresh` of them had not been seen. */
  polled(fact: { source: string; events: number; fresh: number; atMs: number }): void;
  pollFailed(fact: { source: string; detail: string; failures: number; againMs: number }): void;
  /** It is not asked any more until the configuration is read again. */
  pollStopped(fact: { source: string; detail: string }): void;
  /** It was removed, or goes on by another configuration. */
  pollEnded(fact: { source: string }): void;
  /** A lane stopped sending (breaker, Retry-After), or goes on. */
  laneHeld(fact: { sink: string; cause: string; forMs: number }): void;
  laneResumed(fact: { sink: string }): void;
  /** The far side wants nothing any more: what waits is kept, and one delivery asks again when the time is over. */
  lanePaused(fact: { sink: string; cause: string; forMs: number }): void;
  /** A lane cannot read what waits for it, or can again: until then it sends only what is fresh. */
  backlogUnreadable(fact: { sink: string; detail: string }): void;
  backlogReadable(fact: { sink: string }): void;
  /** A lane has let go of everything: its sink was removed, or goes on in another lane. */
  laneEnded(fact: { sink: string }): void;
  /** What waited for sinks that are not configured any more became dead letters. */
  orphansKilled(fact: { deliveries: number }): void;
  /** Another configuration is in force. */
  reloaded(fact: {
    trigger: Trigger;
    sinks: Readonly<Record<'added' | 'removed' | 'changed', readonly string[]>>;
    sources: number;
    routes: number;
  }): void;
  /** A configuration was refused: nothing has changed. */
  reloadRefused(fact: { trigger: Trigger; problems: readonly string[] }): void;
  /** One committed group. */
  committed(fact: { events: number; settlements: number; durationMs: number }): void;
  /** The store began to fail, or works again. */
  storeFailing(fact: { detail: string }): void;
  storeRecovered(fact: { downMs: number }): void;
  /** Commits that were acknowledged cannot be read any more; `copy` keeps the file they are in. */
  commitsLost(fact: { frames: number; commits: number; copy: string }): void;
  /** The store's file is damaged: nothing is read or written until it is salvaged. */
  storeDamaged(fact: { detail: string }): void;
  storeSalvaged(fact: Salvaged): void;
}

/** What had the configuration read again. */
export type Trigger = 'signal' | 'file' | 'api';

/** What was found in a damaged store. Everything but `kept` is a number of rows. */
export interface Salvaged {
  /** The damaged file, moved aside. */
  readonly kept: string;
  readonly events: number;
  readonly deliveries: number;
  readonly attempts: number;
  /** Events of which nothing could be read: at most so many. */
  readonly eventsUnreadable: number;
  /** Events whose deliveries are all that could be read: those that wait become dead letters. */
  readonly eventsLost: number;
  /** Events that may have lost deliveries: each has a dead letter, whose replay routes it anew. */
  readonly eventsToRoute: number;
}
