import type { Configuration } from '../config/configuration.js';
import type { EventView } from '../core/event.js';
import type { RowExplained } from '../routing/explanation.js';
import { createTryRouting, type TriedDelivery } from './deliveries.js';
import type { TriedEvent, Unreadable } from './event.js';

/** What would become of one event, from what is read in it to what would be sent. */
export interface Explanation {
  /** Null where no event can be made of the body: `unreadable` says why. */
  readonly event: EventView | null;
  readonly unreadable: Unreadable | null;
  /** Every row of the table, in order, with what it makes of the event. */
  readonly rows: readonly RowExplained[];
  readonly deliveries: readonly TriedDelivery[];
  /** It owes something, and all of it could be sent. */
  readonly ok: boolean;
}

/** Pure: nothing is sent, stored or opened. `uid` is what the ids of its deliveries begin with. */
export function explainEvent(config: Pick<Configuration, 'table' | 'sinks'>, tried: TriedEvent | Unreadable, uid: string): Explanation {
  if (!('view' in tried)) return { event: null, unreadable: tried, rows: [], deliveries: [], ok: false };
  const { deliveries } = createTryRouting(config)(tried, uid);
  const ok = deliveries.every((delivery) => delivery.kind === 'message' && delivery.message['refused'] === undefined);
  return { event: tried.view, unreadable: null, rows: config.table.explain(tried.view), deliveries, ok };
}
