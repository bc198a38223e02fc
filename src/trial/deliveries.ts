import type { Configuration, SinkConfiguration } from '../config/configuration.js';
import { DEAD, deliveryId } from '../core/delivery.js';
import type { Message, Preview } from '../core/sink.js';
import type { Owed } from '../core/store.js';
import type { TriedEvent } from './event.js';

/** One delivery an event would owe, with what would be sent; or the dead letter it would be, and why. `sink` is null where it gets to none. */
export type TriedDelivery =
  | { readonly kind: 'message'; readonly route: string; readonly sink: string; readonly type: string; readonly message: Preview }
  | { readonly kind: 'dead'; readonly route: string | null; readonly sink: string | null; readonly reason: string; readonly detail: string };

/** What the table makes of an event, and the sinks of it. */
export interface TriedRouting {
  /** Names of the rows that matched, in order; `otherwise`, where none did. */
  readonly rows: readonly string[];
  readonly deliveries: readonly TriedDelivery[];
}

/** Routes and renders events as a configuration would. Sends, stores and opens nothing. */
export type TryRouting = (event: TriedEvent, uid: string) => TriedRouting;

export function createTryRouting({ table, sinks }: Pick<Configuration, 'table' | 'sinks'>): TryRouting {
  const byName = new Map(sinks.map((sink) => [sink.name, sink]));
  return (event, uid) => {
    const { owes, matched } = table.route(event.view);
    const first = owes[0];
    const rest = matched.length === 0 && first?.state === 'waiting' ? [first.route] : [];
    return { rows: [...matched, ...rest], deliveries: owes.map((owed, index) => tryDelivery(owed, deliveryId(uid, index), event, byName)) };
  };
}

function tryDelivery(owed: Owed, id: string, event: TriedEvent, sinks: ReadonlyMap<string, SinkConfiguration>): TriedDelivery {
  if (owed.state === 'dead') return { kind: 'dead', route: owed.route, sink: null, reason: owed.reason, detail: owed.detail };
  const { route, sink: name } = owed;
  const sink = sinks.get(name);
  if (sink === undefined) return { kind: 'dead', route, sink: name, reason: DEAD.sinkRemoved, detail: 'there is no such sink' };
  try {
    return { kind: 'message', route, sink: name, type: sink.kind.type, message: sink.kind.preview(sink.config, messageOf(event, id, sink)) };
  } catch (error) {
    return { kind: 'dead', route, sink: name, reason: DEAD.renderError, detail: error instanceof Error ? error.message : String(error) };
  }
}

function messageOf({ view, body, receivedMs }: TriedEvent, id: string, sink: SinkConfiguration): Message {
  const { source, type, receivedAt, time } = view;
  return { deliveryId: id, event: { id: view.id, source, type, receivedAt, receivedMs, time }, body, content: sink.render(view, body, null) };
}
