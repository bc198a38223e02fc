import { viewOf, type EventView, type StoredEvent } from '../core/event.js';
import type { Format, FormatKind } from '../core/source.js';

/** Sees stored events as the routing table and the texts do; null where a body cannot be read (any more). */
export type View = (event: StoredEvent) => EventView | null;

/** By the format of the event's source, where that is still of its kind; else as far as the kind itself can tell. `formatOf`: of a source today. */
export function createView(kinds: readonly Pick<FormatKind, 'type' | 'bare'>[], formatOf: (source: string) => Format | undefined): View {
  const bare = new Map(kinds.map((kind) => [kind.type, kind.bare]));
  return (event) => {
    const own = formatOf(event.source);
    const decoding = (own?.type === event.format ? own : bare.get(event.format))?.decode(event.body, event.headers);
    if (decoding === undefined || !decoding.ok) return null;
    const { event: decoded } = decoding;
    const view = viewOf(decoded, event.id || (decoded.id ?? event.uid), event.source, event.receivedMs);
    return view.type === '' ? { ...view, type: event.type } : view;
  };
}
