import type { Outcome } from '../core/outcome.js';
import type { DueDelivery, DuePage, OrderAsked } from '../core/store.js';
import type { Queue } from './queue.js';

/**
 * Deliveries of one key, one after another. The store hands out a key's earliest ones, as long as nothing of that key is here; of those
 * one send has some, and where one of them fails, what follows goes back to the store, which lets it wait for the one that failed.
 */
export class Order {
  /** Deliveries of each key that are in memory. */
  readonly #counts = new Map<string, number>();
  readonly #inFlight = new Set<string>();

  /** The store may have deliveries without a key. */
  #others = true;

  /** What the store is asked for. */
  get asked(): OrderAsked {
    return { busy: new Set(this.#counts.keys()), others: this.#others };
  }

  /** Something without a key was left to the store, or given back to it. */
  expectOthers(): void {
    this.#others = true;
  }

  /** What the store had. */
  loaded({ deliveries, othersWait }: DuePage): void {
    if (othersWait === false && deliveries.every(({ orderKey }) => orderKey !== undefined)) this.#others = false;
  }

  /** Is something in the queue that could be sent now? */
  canTake(queue: Queue): boolean {
    return queue.waiting().some((delivery) => this.#isFree(delivery));
  }

  #isFree({ orderKey }: DueDelivery): boolean {
    return orderKey === undefined || !this.#inFlight.has(orderKey);
  }

  hold({ orderKey }: DueDelivery): void {
    if (orderKey !== undefined) this.#counts.set(orderKey, (this.#counts.get(orderKey) ?? 0) + 1);
  }

  release({ orderKey }: DueDelivery): void {
    if (orderKey === undefined) return;
    const left = (this.#counts.get(orderKey) ?? 1) - 1;
    if (left > 0) this.#counts.set(orderKey, left);
    else this.#counts.delete(orderKey);
  }

  /** What one send may have: nothing of a key that another send has. */
  take(queue: Queue, room: number): readonly DueDelivery[] {
    const taken = queue
      .waiting()
      .filter((delivery) => this.#isFree(delivery))
      .slice(0, room);
    for (const { orderKey } of taken) if (orderKey !== undefined) this.#inFlight.add(orderKey);
    return queue.takeThese(taken);
  }

  /** The send has ended: takes out of the queue what would overtake what failed. */
  ended(queue: Queue, sent: readonly DueDelivery[], outcomes: readonly Outcome[]): readonly DueDelivery[] {
    const failed = new Set<string>();
    sent.forEach(({ orderKey }, at) => {
      if (orderKey === undefined) return;
      this.#inFlight.delete(orderKey);
      if (outcomes[at]?.kind === 'retry') failed.add(orderKey);
    });
    if (failed.size === 0) return [];
    return queue.takeThese(queue.waiting().filter(({ orderKey }) => orderKey !== undefined && failed.has(orderKey)));
  }
}
