import type { DueDelivery, DuePage } from '../../core/store.js';
import type { StoredEvent } from '../../core/event.js';

type PackedDelivery = Omit<DueDelivery, 'event'> & { readonly event: Omit<StoredEvent, 'body'> & { readonly bodyBytes: number } };

/** A page on its way from the reader's thread: the bodies lie in one buffer, one after the other. A thousand buffers of their own would cost as much as the sending. */
export interface PackedPage extends Omit<DuePage, 'deliveries'> {
  readonly deliveries: readonly PackedDelivery[];
  /** Transferred. */
  readonly bodies: ArrayBuffer;
}

export function packPage({ deliveries, ...page }: DuePage): PackedPage {
  const all = new Uint8Array(deliveries.reduce((sum, { event }) => sum + event.body.length, 0));
  let offset = 0;
  const packed = deliveries.map(({ event: { body, ...event }, ...delivery }): PackedDelivery => {
    all.set(body, offset);
    offset += body.length;
    return { ...delivery, event: { ...event, bodyBytes: body.length } };
  });
  return { ...page, deliveries: packed, bodies: all.buffer };
}

export function unpackPage({ deliveries, bodies, ...page }: PackedPage): DuePage {
  let offset = 0;
  const unpacked = deliveries.map(({ event: { bodyBytes, ...event }, ...delivery }): DueDelivery => {
    const body = Buffer.from(bodies, offset, bodyBytes);
    offset += bodyBytes;
    return { ...delivery, event: { ...event, body } };
  });
  return { ...page, deliveries: unpacked };
}
