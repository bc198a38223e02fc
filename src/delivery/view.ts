import { viewOf, type EventView, type StoredEvent } from '../core/event.js';
import type { FormatKind } from '../core/source.js';

/** What the routing table and the texts see of a stored event; null where its body cannot be read (any more). */
export function createView(formats: readonly FormatKind[]): (event: StoredEvent) => EventView | null {
  const byType = new Map(formats.map((format) => [format.type, format]));
  return (event) => {
    const decoding = byType.get(event.format)?.decode(event.body);
    if (decoding === undefined || !decoding.ok) return null;
    return viewOf(decoding.event, event.id || (decoding.event.id ?? event.uid), event.source, event.receivedMs);
  };
}
