import type { StoredEvent } from '../../core/event.js';
import { checksumOf } from './checksum.js';
import { DamagedDatabase } from './faults.js';
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

/** Are its columns what was written, by their types? SQLite lets any column hold anything. */
export function isEvent({ uid, source, format, id, type, received_ms, body, crc }: Partial<EventRow>): boolean {
  return (
    [uid, source, format].every((text) => typeof text === 'string') &&
    [id, type].every(isText) &&
    Number.isInteger(received_ms) &&
    body instanceof Uint8Array &&
    (crc === null || crc === undefined || Number.isInteger(crc))
  );
}

export function isText(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** The event in a row, checked. */
export function eventOf(row: EventRow): StoredEvent {
  if (!isEvent(row)) throw new DamagedDatabase('a row of events holds what no event holds');
  const { uid, source, format, id, type, received_ms, body, crc } = row;
  const event = { uid, source, format, id: textOut(id), type: textOut(type), receivedMs: received_ms, body: body as Buffer };
  return crc === null || crc === checksumOf(event) ? event : { ...event, damaged: true };
}
