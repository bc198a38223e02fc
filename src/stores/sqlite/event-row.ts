import type { EventHeaders, StoredEvent } from '../../core/event.js';
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
  /** As `headersIn` makes it. */
  readonly headers: string | null;
}

/** The columns of `EventRow`, as they are selected. */
export const EVENT_COLUMNS = 'uid, source, format, id, type, received_ms, body, crc, headers';

/** They, where rows are tuples. */
export type EventTuple = readonly [
  ...[uid: EventRow['uid'], source: EventRow['source'], format: EventRow['format'], id: EventRow['id'], type: EventRow['type']],
  ...[received_ms: EventRow['received_ms'], body: EventRow['body'], crc: EventRow['crc'], headers: EventRow['headers']],
];

export function eventRowOf([uid, source, format, id, type, received_ms, body, crc, headers]: EventTuple): EventRow {
  return { uid, source, format, id, type, received_ms, body, crc, headers };
}

/** Are its columns what was written, by their types? SQLite lets any column hold anything. */
export function isEvent({ uid, source, format, id, type, received_ms, body, crc, headers }: Partial<EventRow>): boolean {
  return (
    [uid, source, format].every((text) => typeof text === 'string') &&
    [id, type].every(isText) &&
    Number.isInteger(received_ms) &&
    body instanceof Uint8Array &&
    (crc === null || crc === undefined || Number.isInteger(crc)) &&
    (headers === null || headers === undefined || typeof headers === 'string')
  );
}

export function isText(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** The event in a row, checked. */
export function eventOf(row: EventRow): StoredEvent {
  if (!isEvent(row)) throw new DamagedDatabase('a row of events holds what no event holds');
  const { uid, source, format, id, type, received_ms, body, crc, headers } = row;
  const columns = { uid, source, format, id: textOut(id), type: textOut(type), receivedMs: received_ms, body: body as Buffer };
  // There were no headers before there was a checksum.
  if (crc === null) return { ...columns, headers: {} };
  if (crc !== checksumOf({ ...columns, headers })) return { ...columns, headers: {}, damaged: true };
  return { ...columns, headers: headers === null ? {} : (JSON.parse(headers) as EventHeaders) };
}

/** Headers as the column holds them: most events have none. */
export function headersIn(headers: EventHeaders): string | null {
  const text = JSON.stringify(headers);
  return text === '{}' ? null : text;
}
