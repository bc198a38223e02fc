import { deliveryId } from '../core/delivery.js';
import type { DueDelivery } from '../core/store.js';

/** Fresh deliveries a lane keeps in memory; the rest wait in the store alone. */
const FRESH_MAX = 1_000;
/** Bodies they may hold: a lane must not fill the memory with a backlog of large events. */
const FRESH_BYTES_MAX = 32 * 1024 * 1024;

/** The part of a lane's work that is in memory: what just arrived, and what was read back from the store. */
export interface Queue {
  /** False where it is full: the delivery is safe in the store, and is read back later. */
  offer(delivery: DueDelivery): boolean;
  /** What the store had due. */
  refill(deliveries: readonly DueDelivery[]): void;
  /** Takes up to `count`, from both sides in turn: fresh deliveries do not wait behind retries, nor retries for ever. */
  take(count: number): DueDelivery[];
  /** All of it: what was read back in its order, then what just arrived. */
  waiting(): readonly DueDelivery[];
  /** Takes these out. */
  takeThese(deliveries: readonly DueDelivery[]): readonly DueDelivery[];
  readonly storedCount: number;
  readonly length: number;
}

export function createQueue(): Queue {
  let fresh: DueDelivery[] = [];
  let stored: DueDelivery[] = [];
  let freshBytes = 0;
  let freshNext = true;

  const takeFresh = (): DueDelivery | undefined => {
    const delivery = fresh.shift();
    freshBytes -= delivery?.event.body.length ?? 0;
    return delivery;
  };

  return {
    offer(delivery) {
      if (fresh.length >= FRESH_MAX || freshBytes + delivery.event.body.length > FRESH_BYTES_MAX) return false;
      fresh.push(delivery);
      freshBytes += delivery.event.body.length;
      return true;
    },
    refill: (deliveries) => void stored.push(...deliveries),
    take(count) {
      const taken: DueDelivery[] = [];
      while (taken.length < count && fresh.length + stored.length > 0) {
        const delivery = (freshNext && fresh.length > 0) || stored.length === 0 ? takeFresh() : stored.shift();
        freshNext = !freshNext;
        if (delivery !== undefined) taken.push(delivery);
      }
      return taken;
    },
    waiting: () => [...stored, ...fresh],
    takeThese(deliveries) {
      const taken = new Set(deliveries);
      stored = stored.filter((delivery) => !taken.has(delivery));
      fresh = fresh.filter((delivery) => !taken.has(delivery));
      freshBytes = fresh.reduce((sum, { event }) => sum + event.body.length, 0);
      return deliveries;
    },
    get storedCount() {
      return stored.length;
    },
    get length() {
      return fresh.length + stored.length;
    },
  };
}

/** The id of a delivery in hand. */
export function idOf(delivery: DueDelivery): string {
  return deliveryId(delivery.event.uid, delivery.index);
}
