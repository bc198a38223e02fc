import type { EventView } from '../core/event.js';
import type { DueDelivery } from '../core/store.js';
import type { Queue } from './queue.js';
import type { View } from './view.js';

/** When what waits for a sink becomes one message. */
export interface DigestRule {
  /** As long as no more than this wait, each is a message of its own. */
  readonly after: number;
  /** What they have in common: one message for each. */
  readonly by: (event: EventView) => string | null;
  /** Always a message of its own, and before the others. */
  readonly except: (event: EventView) => boolean;
}

/** What one send takes: a batch, or what becomes one message. */
export type Taken = { readonly deliveries: readonly DueDelivery[]; readonly digest: null | { readonly group: string | null } };

/** What a delivery is to a digest: by itself, or one of a group. */
type Place = { readonly alone: true } | { readonly alone: false; readonly group: string | null; readonly dead: boolean };

/** Chooses what a lane sends next. Each delivery's place is worked out once. */
export function createDigester({ after, by, except }: DigestRule, view: View): (queue: Queue) => Taken {
  const places = new WeakMap<DueDelivery, Place>();
  const placeOf = (delivery: DueDelivery): Place => {
    const known = places.get(delivery);
    if (known !== undefined) return known;
    const place = placed(delivery);
    places.set(delivery, place);
    return place;
  };
  const placed = (delivery: DueDelivery): Place => {
    const event = delivery.event.damaged === true ? null : view(delivery.event);
    if (event === null) return { alone: true };
    return isTrue(() => except(event)) ? { alone: true } : { alone: false, group: groupOf(() => by(event)), dead: delivery.dead !== undefined };
  };

  return (queue) => {
    const waiting = [...queue.waiting()].sort((a, b) => a.event.receivedMs - b.event.receivedMs);
    const alone = waiting.find((delivery) => placeOf(delivery).alone);
    if (alone !== undefined) return { deliveries: queue.takeThese([alone]), digest: null };
    if (queue.length <= after) return { deliveries: queue.take(1), digest: null };
    const [oldest] = waiting;
    if (oldest === undefined) return { deliveries: [], digest: null };
    const first = placeOf(oldest);
    const members = waiting.filter((delivery) => isLike(placeOf(delivery), first));
    return { deliveries: queue.takeThese(members), digest: members.length > 1 && !first.alone ? { group: first.group } : null };
  };
}

function isLike(place: Place, other: Place): boolean {
  return !place.alone && !other.alone && place.group === other.group && place.dead === other.dead;
}

/** What cannot be told for an event might be so: better a message of its own than one that hides it. */
function isTrue(evaluate: () => boolean): boolean {
  try {
    return evaluate();
  } catch {
    return true;
  }
}

function groupOf(evaluate: () => string | null): string | null {
  try {
    return evaluate();
  } catch {
    return null;
  }
}
