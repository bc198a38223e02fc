import type { DeadLetter } from '../../core/delivery.js';
import type { EventHeaders } from '../../core/event.js';
import type { DueDelivery, DuePage } from '../../core/store.js';

/** A page on its way from the reader's thread. Tuples, as in a group on its way to the writer's. */
export interface PackedPage extends Omit<DuePage, 'deliveries'> {
  readonly deliveries: readonly PackedDue[];
  /** The bodies of all, one after the other: one buffer, transferred. A thousand of their own would cost as much as the sending. */
  readonly bodies: ArrayBuffer;
}

type PackedDue = readonly [
  ...[index: number, route: string | null, sink: string, attempts: number, sinceMs: number],
  ...[uid: string, source: string, format: string, id: string, type: string, receivedMs: number, bodyBytes: number],
  ...[headers: EventHeaders, damaged: boolean, dead: DeadLetter | null, orderKey: string | null],
];

export function packPage({ deliveries, ...page }: DuePage): PackedPage {
  const bodies = new Uint8Array(deliveries.reduce((sum, { event }) => sum + event.body.length, 0));
  let offset = 0;
  const packed = deliveries.map(({ index, route, sink, attempts, sinceMs, event, dead, orderKey }): PackedDue => {
    const { uid, source, format, id, type, receivedMs, body, headers, damaged = false } = event;
    bodies.set(body, offset);
    offset += body.length;
    const columns = [index, route, sink, attempts, sinceMs, uid, source, format, id, type, receivedMs, body.length, headers] as const;
    return [...columns, damaged, dead ?? null, orderKey ?? null];
  });
  return { ...page, deliveries: packed, bodies: bodies.buffer };
}

export function unpackPage({ deliveries, bodies, ...page }: PackedPage): DuePage {
  let offset = 0;
  const unpacked = deliveries.map((packed): DueDelivery => {
    const [index, route, sink, attempts, sinceMs, uid, source, format, id, type, receivedMs, bodyBytes, headers, damaged, dead, orderKey] = packed;
    const body = Buffer.from(bodies, offset, bodyBytes);
    offset += bodyBytes;
    return {
      ...{ index, route, sink, attempts, sinceMs },
      event: { uid, source, format, id, type, receivedMs, body, headers, ...(damaged && { damaged }) },
      ...(dead !== null && { dead }),
      ...(orderKey !== null && { orderKey }),
    };
  });
  return { ...page, deliveries: unpacked };
}
