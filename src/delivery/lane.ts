import { setMaxListeners } from 'node:events';
import { settle, type RetryPolicy, type Settlement } from '../core/delivery.js';
import type { Outcome } from '../core/outcome.js';
import { StoreUnavailable, type DueDelivery, type Settled, type Store } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';
import { attempt, attemptDigest, type Attempting, type Digesting } from './attempt.js';
import { closeSink } from './closing.js';
import { createDeadlines, type Deadlines } from './deadlines.js';
import { createDigester, type DigestRule, type Taken } from './digest.js';
import { createGate, type Gate } from './gate.js';
import { Order } from './order.js';
import type { Pace } from './pace.js';
import { createQueue, idOf, type Queue } from './queue.js';
import { keepSettling } from './settling.js';

/** Deliveries read from the store at once: each look walks past those that are in memory. */
const PAGE = 500;
/** Fewer than these of a page are left: the next one is read meanwhile. */
const NEXT_PAGE = 250;
/** And where they may become one message: the more of them, the fewer messages. */
const DIGEST_PAGE = 1_000;
/** Deliveries a lane holds in memory, whatever their state: the bound while the store cannot write down what became of them. */
const HELD_MAX = 4_000;
/** And the bodies that come with them. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Pause before a failing store is asked again for what is due. */
const READ_AGAIN_MS = 1_000;

/** Beyond the longest back-off, since clocks are set right by a little all the time. */
const CLOCK_SLACK_MS = 60_000;

/** What a lane works with. */
export interface LaneDependencies extends Attempting {
  readonly name: string;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  readonly batch: number;
  readonly pace: Pace | null;
  /** Deliveries of one key go one after another. */
  readonly ordered: boolean;
  /** Null: each is a message of its own. */
  readonly digest: (DigestRule & Pick<Digesting, 'digest'>) | null;
  /** Sinks that its dead letters are forwarded to. */
  readonly deadTo: () => readonly string[];
  /** They have something due. */
  readonly wake: (sinks: readonly string[]) => void;
  readonly store: Pick<Store, 'settle' | 'due'>;
  readonly telemetry: Pick<Telemetry, 'attempted' | 'laneHeld' | 'lanePaused' | 'laneResumed' | 'backlogUnreadable' | 'backlogReadable'>;
  readonly nowMs: () => number;
  /** A clock that nobody sets: for what is measured and waited for within this process. */
  readonly clockMs: () => number;
  readonly random: () => number;
}

/** A delivery, and what its attempt came to. */
interface Tried {
  readonly delivery: DueDelivery;
  readonly outcome: Outcome;
}

/** And what follows from it. */
interface Followed extends Tried {
  readonly settled: Settled;
}

type Took = Pick<Settled['attempt'], 'startedMs' | 'durationMs'>;

/**
 * The deliveries of one sink: fresh ones straight from the ingress, the others from the store when they are due.
 * Nothing that happens here touches another lane or the ingress.
 */
export class Lane {
  readonly name: string;
  readonly #deps: LaneDependencies;
  readonly #gate: Gate;
  readonly #queue = createQueue();
  readonly #next: (queue: Queue) => Taken;
  readonly #order: Order | null;
  /** What waits for a digest is one message: the next page is another. */
  readonly #nextPageAt: number;
  /** Ids of what is in memory: queued, being sent, or being settled. The store still calls them waiting. */
  readonly #held = new Set<string>();
  #heldBytes = 0;
  readonly #work = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #deadlines: Deadlines;
  #stopped: Promise<void> | null = null;
  #running = false;
  #sends = 0;
  /** The store may have due deliveries that are not in memory. */
  #behind = true;
  #nextDueMs: number | null = null;
  #loading = false;
  #readable = true;
  /** Settled while a page was being read: the page may still call them waiting. */
  #releasedWhileLoading = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(deps: LaneDependencies) {
    this.name = deps.name;
    this.#deps = deps;
    this.#gate = createGate(deps.pace, deps.retry, deps.random);
    this.#order = deps.ordered ? new Order() : null;
    this.#nextPageAt = deps.digest === null ? NEXT_PAGE : 1;
    this.#next = deps.digest === null ? (queue) => this.#nextBatch(queue) : createDigester(deps.digest, deps.view);
    this.#deadlines = createDeadlines(deps.timeoutMs, this.#stop.signal);
    // Every attempt and every pause listens, and lets go in time: that is no leak, and no reason for Node's warning.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Begins to send, with what the store still has waiting. One that was stopped never begins. */
  start(): void {
    if (this.#stopped !== null) return;
    this.#running = true;
    this.#pump();
  }

  /** A delivery that was just stored. */
  offer(delivery: DueDelivery): void {
    const id = idOf(delivery);
    if (this.#held.has(id)) return;
    // What goes in order comes from the store, which knows what is before it.
    const inOrder = this.#order !== null && delivery.orderKey !== undefined;
    if (!inOrder && !this.#isFull() && this.#queue.offer(delivery)) this.#hold(delivery);
    else this.#leave(delivery);
    this.#pumpSoon();
  }

  /** It is read back from the store. */
  #leave({ orderKey }: Pick<DueDelivery, 'orderKey'>): void {
    this.#behind = true;
    if (orderKey === undefined) this.#order?.expectOthers();
  }

  /** Something was made due in the store: a replay. */
  wake(): void {
    this.#leave({});
    this.#pump();
  }

  /**
   * Takes nothing up any more; what is being sent may end within the grace time, the rest stays waiting in the store.
   * Called again, for a process that ends while a lane is replaced, it can only make the grace time shorter.
   */
  async stop(graceMs: number): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    const grace = setTimeout(() => this.#stop.abort(), graceMs);
    this.#stopped ??= this.#end();
    await this.#stopped;
    clearTimeout(grace);
  }

  async #end(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
    this.#stop.abort();
    await closeSink(this.#deps.sink);
  }

  /** Once for all that were stored together: their senders are answered first, and what may share a send does. */
  #pumpSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#pump();
    });
  }

  /** Starts every send that may start now, and sets the timer for the next one. */
  #pump(): void {
    while (this.#running && this.#sends < this.#gate.width(this.#deps.concurrency)) {
      const nowMs = this.#deps.nowMs();
      const waitMs = this.#gate.waitMs(this.#deps.clockMs());
      if (waitMs > 0) {
        this.#wakeIn(waitMs);
        return;
      }
      this.#loadIfDue(nowMs);
      // What the store has due decides whether this becomes a digest.
      if (this.#loading && this.#deps.digest !== null) return;
      const taken = this.#next(this.#queue);
      const { length } = taken.deliveries;
      if (length === 0) {
        // A full lane is woken by what it lets go of.
        if (this.#nextDueMs !== null && !this.#loading && !this.#isFull()) this.#wakeIn(this.#nextDueMs - nowMs);
        return;
      }
      this.#gate.sent(taken.digest === null ? length : 1, this.#deps.clockMs());
      this.#sends += 1;
      this.#track(this.#send(taken, nowMs));
    }
  }

  #nextBatch(queue: Queue): Taken {
    const room = this.#gate.room(this.#deps.batch, this.#deps.clockMs());
    return { deliveries: this.#order?.take(queue, room) ?? queue.take(room), digest: null };
  }

  async #send({ deliveries, digest }: Taken, startedMs: number): Promise<void> {
    const beganMs = this.#deps.clockMs();
    const outcomes = await this.#attempt(deliveries, digest);
    const durationMs = Math.round(this.#deps.clockMs() - beganMs);
    this.#sends -= 1;
    this.#noteHold(outcomes);
    for (const delivery of this.#order?.ended(this.#queue, deliveries, outcomes) ?? []) this.#letGo(delivery);
    const tried = deliveries.flatMap((delivery, index): Tried[] => {
      const outcome = outcomes[index];
      // Cut short by the end of the grace time: nobody knows, so it stays waiting, and the attempt does not count.
      const unknown = outcome === undefined || (this.#stop.signal.aborted && outcome.kind === 'retry');
      return unknown ? [] : [{ delivery, outcome }];
    });
    // Drawn once for a digest: what was one message comes back as one.
    const shared = this.#deps.random();
    if (tried.length > 0) this.#track(this.#settle(tried, { startedMs, durationMs }, digest === null ? this.#deps.random : () => shared));
    this.#pump();
  }

  #attempt(deliveries: readonly DueDelivery[], digest: Taken['digest']): Promise<readonly Outcome[]> {
    return digest === null || this.#deps.digest === null
      ? attempt(deliveries, this.#deps, this.#deadlines)
      : attemptDigest(deliveries, digest.group, { ...this.#deps, digest: this.#deps.digest.digest }, this.#deadlines);
  }

  #noteHold(outcomes: readonly Outcome[]): void {
    const gate = this.#gate.ended(outcomes, this.#deps.clockMs());
    switch (gate.change) {
      case 'held':
        this.#deps.telemetry.laneHeld({ sink: this.name, cause: gate.cause, forMs: gate.forMs });
        return;
      case 'paused':
        this.#deps.telemetry.lanePaused({ sink: this.name, cause: gate.cause, forMs: gate.forMs });
        return;
      case 'resumed':
        this.#deps.telemetry.laneResumed({ sink: this.name });
        return;
      case 'none':
        return;
    }
  }

  /** Decides what follows, writes it down, and lets go of the deliveries. */
  async #settle(tried: readonly Tried[], took: Took, random: () => number): Promise<void> {
    const nowMs = this.#deps.nowMs();
    const all = tried.map((one): Followed => ({ ...one, settled: this.#follow(one, took, nowMs, random()) }));
    await keepSettling(this.#deps.store, all, this.#stop.signal, (some, written) => {
      for (const one of some) this.#ended(one, written, nowMs);
      this.#pump();
    });
  }

  #follow({ delivery, outcome }: Tried, took: Took, nowMs: number, random: number): Settled {
    const { event, index, sinceMs, attempts, dead, orderKey } = delivery;
    const settlement = settle(outcome, { attempt: attempts + 1, sinceMs }, this.#deps.retry, nowMs, random);
    const deadTo = settlement.state === 'dead' && dead === undefined ? this.#deps.deadTo() : [];
    // Spread only where it is dead: this runs for every delivery.
    const { startedMs, durationMs } = took;
    const urgent = this.#order !== null && orderKey !== undefined && settlement.state !== 'waiting';
    const settled = { eventUid: event.uid, index, settlement, attempt: { startedMs, durationMs, outcome }, urgent };
    return deadTo.length > 0 ? { ...settled, deadTo } : settled;
  }

  #ended({ delivery, outcome, settled }: Followed, written: boolean, nowMs: number): void {
    const { settlement, deadTo = [] } = settled;
    this.#deps.telemetry.attempted({
      source: delivery.event.source,
      sink: this.name,
      route: delivery.route,
      deliveryId: idOf(delivery),
      eventId: delivery.event.id,
      type: delivery.event.type,
      attempt: delivery.attempts + 1,
      durationMs: settled.attempt.durationMs,
      outcome,
      settlement,
      ageMs: nowMs - delivery.event.receivedMs,
    });
    if (!written) return;
    this.#release(delivery, settlement);
    if (deadTo.length > 0) this.#deps.wake(deadTo);
  }

  #isFull(): boolean {
    return this.#held.size >= HELD_MAX || this.#heldBytes >= HELD_BYTES_MAX;
  }

  #hold(delivery: DueDelivery): void {
    this.#held.add(idOf(delivery));
    this.#heldBytes += delivery.event.body.length;
    this.#order?.hold(delivery);
  }

  #letGo(delivery: DueDelivery): void {
    this.#held.delete(idOf(delivery));
    this.#heldBytes -= delivery.event.body.length;
    this.#order?.release(delivery);
  }

  #release(delivery: DueDelivery, settlement: Settlement): void {
    this.#letGo(delivery);
    if (this.#loading) this.#releasedWhileLoading.add(idOf(delivery));
    const { orderKey } = delivery;
    // The next of its key has its turn.
    if (orderKey !== undefined && this.#order !== null) this.#behind = true;
    if (settlement.state === 'waiting') {
      this.#nextDueMs = Math.min(this.#nextDueMs ?? Infinity, settlement.dueMs);
      if (orderKey === undefined) this.#order?.expectOthers();
    }
  }

  /** No back-off reaches further: what is due later was scheduled by a clock that has been set back since, and would wait that much too long. */
  #farMs(nowMs: number): number {
    return nowMs + this.#deps.retry.maxMs + CLOCK_SLACK_MS;
  }

  #loadIfDue(nowMs: number): void {
    const due = this.#behind || (this.#nextDueMs !== null && (this.#nextDueMs <= nowMs || this.#nextDueMs > this.#farMs(nowMs)));
    if (!due || this.#loading || this.#isFull()) return;
    // A key that is being sent holds up nothing of the others.
    if (this.#order?.canTake(this.#queue) ?? this.#queue.storedCount >= this.#nextPageAt) return;
    this.#loading = true;
    this.#behind = false;
    this.#nextDueMs = null;
    this.#track(this.#load(nowMs));
  }

  async #load(nowMs: number): Promise<void> {
    try {
      const limit = this.#deps.digest === null ? PAGE : DIGEST_PAGE;
      const page = await this.#deps.store.due(this.name, nowMs, limit, this.#held, this.#farMs(nowMs), this.#order?.asked);
      this.#order?.loaded(page);
      const usable = page.deliveries.filter((delivery) => !this.#held.has(idOf(delivery)) && !this.#releasedWhileLoading.has(idOf(delivery)));
      for (const delivery of usable) this.#hold(delivery);
      this.#queue.refill(usable);
      if (page.deliveries.length === limit || usable.length < page.deliveries.length) this.#behind = true;
      if (page.nextDueMs !== null) this.#nextDueMs = Math.min(this.#nextDueMs ?? Infinity, page.nextDueMs);
      if (!this.#readable) this.#deps.telemetry.backlogReadable({ sink: this.name });
      this.#readable = true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      if (this.#readable) this.#deps.telemetry.backlogUnreadable({ sink: this.name, detail: error.message });
      this.#readable = false;
      this.#nextDueMs = this.#deps.nowMs() + READ_AGAIN_MS;
    } finally {
      this.#loading = false;
      this.#releasedWhileLoading.clear();
    }
    this.#pump();
  }

  /** A timer reaches no further than this; the lane then looks again. */
  #wakeIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), Math.min(Math.max(delayMs, 1), 60_000));
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }
}
