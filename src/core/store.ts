import type { DeadLetter, Delivery, Settlement } from './delivery.js';
import type { EventHeaders, EventView, StoredEvent } from './event.js';
import type { Outcome } from './outcome.js';
import type { Telemetry } from './telemetry.js';

/** The dedup key of an event with an id of its own: marked, so that no id can be mistaken for a key made from a hash. */
export function keyOfId(id: string): string {
  return `id:${id}`;
}

/** An event on its way in, with what the routing table says it owes. */
export interface Arrival {
  readonly source: string;
  readonly format: string;
  /** What it is deduplicated by within its source, UTF-16 unit by unit; null: never a duplicate (an undecodable body has no id to go by). */
  readonly key: string | null;
  readonly id: string;
  readonly type: string;
  readonly receivedMs: number;
  readonly body: Buffer;
  readonly headers: EventHeaders;
  /** How long its key makes later ones duplicates; never longer than the store's own window. */
  readonly dedupWindowMs: number;
  /** At least one. A dead one keeps an event that no sink is owed. */
  readonly owes: readonly Owed[];
  /** Sinks that those which are dead are forwarded to. */
  readonly deadTo?: readonly string[];
}

/** How far a source that is asked for its events has been read, in its own words. */
export interface Checkpoint {
  readonly source: string;
  readonly state: string;
}

/** A delivery at birth: waiting (and due at once), or dead with a reason. */
export type Owed =
  | {
      readonly state: 'waiting';
      readonly route: string;
      readonly sink: string;
      /** Its sink gets those of one key one after another. ASCII, not empty. Absent: in no order. */
      readonly orderKey?: string;
    }
  | { readonly state: 'dead'; readonly route: string | null; readonly sink: null; readonly reason: string; readonly detail: string };

/** On stable storage, or seen before. Both are answered 200. */
export type Receipt = { readonly kind: 'stored'; readonly event: StoredEvent } | { readonly kind: 'duplicate' };

/** A delivery that is due, with all that is needed to try it. */
export interface DueDelivery extends Delivery {
  readonly sink: string;
  readonly event: StoredEvent;
  /** What the ingress read of it, where it has just come; whoever has none decodes the body again. */
  readonly view?: EventView;
  /** Attempts made since the event was received or last replayed. */
  readonly attempts: number;
  readonly sinceMs: number;
  /** Set where a dead letter of another sink is forwarded. */
  readonly dead?: DeadLetter;
  /** Set where it is one of those that go one after another. */
  readonly orderKey?: string;
}

/** What is due, as a page. */
export interface DuePage {
  readonly deliveries: readonly DueDelivery[];
  readonly nextDueMs: number | null;
  /** Where `order` asked for `others`, and the page was not cut: whether some of them wait for later. */
  readonly othersWait?: boolean;
}

/** What a lane asks for whose deliveries go in order. */
export interface OrderAsked {
  /** Keys of which something is in its hands. */
  readonly busy: ReadonlySet<string>;
  /** Deliveries without a key as well: looking for them costs as much as there is with one. */
  readonly others: boolean;
}

/** Names one delivery inside the store. */
export interface DeliveryKey {
  readonly eventUid: string;
  readonly index: number;
}

/** A dead letter without a sink, and what its event owes today. */
export interface Rerouted extends DeliveryKey {
  readonly owes: readonly Owed[];
}

/** One attempt and what follows from it: written together. */
export interface Settled extends DeliveryKey {
  readonly settlement: Settlement;
  /** Sinks that it is forwarded to, where it is dead now. */
  readonly deadTo?: readonly string[];
  readonly attempt: { readonly startedMs: number; readonly durationMs: number; readonly outcome: Outcome };
  /** Another delivery may wait for this to be written: the next of its order key. */
  readonly urgent?: boolean;
}

/** A row of a listing. */
export interface DeliveryRow extends DeliveryKey {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly source: string;
  readonly type: string;
  readonly receivedMs: number;
  readonly route: string | null;
  readonly sink: string | null;
  readonly state: Settlement['state'];
  /** When a waiting one is due; null otherwise. */
  readonly dueMs: number | null;
  /** Attempts ever made, replays included. */
  readonly attempts: number;
  /** Why it is dead, or why its last attempt failed; null where nothing failed. */
  readonly reason: string | null;
  /** What the last attempt was answered, or the routing's own words; null before the first attempt. */
  readonly detail: string | null;
  readonly settledMs: number | null;
}

/** One attempt of the past. */
export interface AttemptRow {
  readonly index: number;
  /** 1 for the first ever. */
  readonly attempt: number;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome['kind'];
  readonly reason: string | null;
  readonly answer: string;
}

/** An event from arrival to end. */
export interface EventStory {
  readonly event: StoredEvent;
  readonly deliveries: readonly DeliveryRow[];
  readonly attempts: readonly AttemptRow[];
}

/** Selects deliveries; a key that is absent selects all. */
export interface DeliveryFilter {
  readonly state?: Settlement['state'];
  readonly sink?: string;
  readonly reason?: string;
}

/**
 * A page of a listing, newest first. `next` goes in as `before` for the following page; null at the end, and only there:
 * a page looks at a bounded number of rows, so it may hold fewer than asked for, or none, though there are more.
 */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** Thrown (as a rejection) by every writing call while the store cannot write: nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/**
 * The store. Every promise that resolves after a write resolves when the write is on stable storage;
 * `settle` alone may resolve once it is ordered behind one that will be, since losing it means one more delivery, not one less.
 * Writes are gathered into groups. No call waits for a timer but `settle`, for a few milliseconds, where nothing of it is urgent.
 * What dies with a `deadTo` is forwarded in the same transaction: a further delivery of its event for each sink, with the route ON_DEAD and `dead` set, once
 * however often it dies; what was forwarded itself is not forwarded again.
 */
export interface Store {
  /** Stores the event, its deliveries and its dedup key in one transaction, or finds it a duplicate. Rejects with StoreUnavailable. */
  accept(arrival: Arrival): Promise<Receipt>;
  /** The same for several, all in one transaction: all of them are safe, or none. One receipt each, in order; the second of two with one key is a duplicate. So is the checkpoint. */
  acceptTogether(arrivals: readonly Arrival[], checkpoint?: Checkpoint): Promise<readonly Receipt[]>;
  /** How far the source has been read; null: not at all. */
  checkpoint(source: string): Promise<string | null>;
  /** Writes attempts and the states that follow, all of them or none. Rejects with StoreUnavailable: call again. */
  settle(...settled: readonly Settled[]): Promise<void>;
  /**
   * Waiting deliveries of `sink` due by `nowMs`, oldest due first, at most `limit` and fewer where their bodies are large, without those in `held`.
   * Those due after `farMs` are due too, and come last: no back-off reaches so far, so the clock they were scheduled by has been set back.
   * `nextDueMs`: when the first one after these is due; where the page was cut, it is one of those that are due; null: none.
   * `order`: deliveries with an order key come in the order their events were stored: each key's earliest, up to the first that is not due, and none of a key
   * in `busy`; those without one only where `others` asks for them. Without `order`, order keys are looked past.
   */
  due(sink: string, nowMs: number, limit: number, held: ReadonlySet<string>, farMs?: number, order?: OrderAsked): Promise<DuePage>;
  /**
   * Makes waiting deliveries of sinks that are not in `sinks` dead, with the reason `sink_removed`, and forwards them to those in `deadTo`: a bounded chunk
   * of them, and nothing that is stored after the call. Resolves with their number; 0: there are none.
   */
  killOrphans(sinks: readonly string[], nowMs: number, deadTo?: readonly string[]): Promise<number>;

  /** Deliveries, newest event first. */
  deliveries(filter: DeliveryFilter, limit: number, before: string | null): Promise<Page<DeliveryRow>>;
  /** Events by the bridge's uid or by the sender's id, where their key is `keyOfId` of it or the id itself: one for each source and each time it was used. */
  stories(id: string): Promise<readonly EventStory[]>;
  /**
   * Makes dead or delivered deliveries waiting again, due at once, their attempts counted from zero: all of them in one transaction.
   * Resolves with one answer for each, in order; false where there is none, or it is waiting already.
   */
  replay(keys: readonly DeliveryKey[], nowMs: number): Promise<readonly boolean[]>;
  /** Lets events with these ids of their senders in again, of whatever source: what was seen makes them no duplicates. One answer for each id: was it known? */
  forget(ids: readonly string[]): Promise<readonly boolean[]>;
  /**
   * Puts what events owe by today's routing table in the place of their dead letters without a sink, all in one transaction: what an event owes already
   * (the same route and sink) is not added again, and a letter stays where the table still owes it. Resolves with the number of new deliveries that wait, for each.
   */
  reroute(letters: readonly Rerouted[], nowMs: number): Promise<readonly number[]>;

  /** Counts for health and metrics. */
  stats(): Promise<StoreStats>;
  /**
   * Removes one bounded chunk of what is past its retention. Resolves with the number of events it removed or, since something of them waits, passed by;
   * 0: nothing left to do.
   */
  prune(nowMs: number): Promise<number>;
  /** Rejects with StoreUnavailable unless a write reaches stable storage, and what is there can be read. */
  probe(): Promise<void>;
  /** Finishes what was handed in, then closes. */
  close(): Promise<void>;
}

/** A kind of store: one folder, one line in kinds.ts, one contract test. */
export interface StoreKind<Config = never> {
  readonly type: string;
  /** One paragraph for the reference page. */
  readonly description: string;
  /** TypeBox schema of the kind's own keys; `type` and `retention` are added for all kinds. */
  readonly schema: object;
  /** Rejects where a person has to mend something first, with a text that says what. A store that cannot serve yet (a full disk) is open, and unavailable until it can. */
  open(config: Config, context: StoreContext): Promise<Store>;
}

/** What a store is given beside its configuration. */
export interface StoreContext {
  readonly limits: StoreLimits;
  readonly telemetry: Pick<Telemetry, 'committed' | 'storeFailing' | 'storeRecovered' | 'commitsLost' | 'storeDamaged' | 'storeSalvaged'>;
}

/** What a store knows of itself. */
export interface StoreStats {
  /** Waiting deliveries by sink, with the due time of the oldest. */
  readonly waiting: readonly { readonly sink: string; readonly count: number; readonly oldestDueMs: number }[];
}

/** How long a store keeps what. */
export interface StoreLimits {
  /** Events, their deliveries and attempts, counted from the last thing that happened to them. */
  readonly retentionMs: number;
  /** The dedup keys, counted from when the event was received; up to a second longer. */
  readonly dedupWindowMs: number;
}
