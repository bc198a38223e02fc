import type { StoredEvent } from '../../core/event.js';
import { checksumOf } from './checksum.js';
import { textOut } from './text.js';

/** A row of `events`. */
export interface EventRow {
  readonly uid: string;
  readonly source: string;
  readonly format: string;
  readonly id: string | Uint8Array;
  readonly type: string | Uint8Array;
  readonly received_ms: number;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly crc: number | null;
}

/** The event in a row, checked. */
export function eventOf({ uid, source, format, id, type, received_ms, body, crc }: EventRow): StoredEvent {
  const event = { uid, source, format, id: textOut(id), type: textOut(type), receivedMs: received_ms, body: body as Buffer };
  return crc === null || crc === checksumOf(event) ? event : { ...event, damaged: true };
}
