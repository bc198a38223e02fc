import { createHash } from 'node:crypto';
import type { EventAttributes } from '../config/tests.js';
import { viewOf, type EventView } from '../core/event.js';
import { identify, keptHeaders, type CameIn, type ReadingSource } from '../core/source.js';

/** An event as the table sees it, with the bytes that would be passed on. */
export interface TriedEvent {
  readonly view: EventView;
  readonly body: Buffer;
  readonly receivedMs: number;
}

/** Why no event can be made of a body: what its dead letter would say. */
export interface Unreadable {
  readonly reason: string;
  readonly detail: string;
}

/** What the source makes of one event: what the ingress would, once the request is authentic. */
export function readEvent(source: ReadingSource, { body, headers, receivedMs }: CameIn): TriedEvent | Unreadable {
  const kept = keptHeaders(source.format, headers);
  const identified = identify(source, { body, headers: kept, receivedMs }, (bytes) => createHash('sha256').update(bytes).digest('hex'));
  if (!identified.ok) return { reason: identified.reason, detail: identified.detail };
  return { view: viewOf(identified.event, identified.id, source.name, receivedMs), body, receivedMs };
}

/** What an attribute stands for where it is not given: nothing, and an id that says what it is. */
const ID = 'test';

/** An event of attributes that somebody wrote down. Its bytes are its `body`, as JSON. */
export function eventOf(attributes: EventAttributes, source: string, receivedMs: number): TriedEvent {
  const { id = ID, type, severity = null, name = null, message = null, cluster, time = null, data = null, body = null } = attributes;
  const decoded = {
    id,
    type,
    severity: severity?.toLowerCase() ?? null,
    name,
    message,
    cluster: { id: cluster?.id ?? null, name: cluster?.name ?? null },
    time,
    data,
    body,
  };
  return { view: viewOf(decoded, id, source, receivedMs), body: Buffer.from(JSON.stringify(body)), receivedMs };
}
