import type { Message } from '../core/sink.js';
import { castbridgeHeaders } from './headers.js';

/** What rendering makes of an event. */
export interface KafkaContent {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A record as kafkajs takes it. */
export interface KafkaRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
  readonly timestamp: string;
}

/** The record a message becomes. */
export function recordOf(message: Message<KafkaContent>, form: 'raw' | 'cloudevents'): KafkaRecord {
  const { content, event, body } = message;
  return {
    key: content.key === null ? null : Buffer.from(content.key),
    // A Buffer, never a bare Uint8Array: kafkajs would write that as a text.
    value: form === 'raw' ? body : cloudEvent(message),
    headers: {
      'content-type': form === 'raw' ? 'application/json' : 'application/cloudevents+json; charset=utf-8',
      ...content.headers,
      ...castbridgeHeaders(message),
    },
    // When it was received: an event's own time may lie ahead, and brokers refuse that.
    timestamp: String(event.receivedMs),
  };
}

/** A byte order mark is allowed before a JSON text, not inside one. */
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** CloudEvents 1.0, structured mode; `data` is the received bytes, put in unchanged. */
function cloudEvent({ event, body }: Message<KafkaContent>): Buffer {
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: event.id,
    source: `/castbridge/${encodeURIComponent(event.source)}`,
    type: event.type,
    time: event.time !== null && RFC_3339.test(event.time) && !Number.isNaN(Date.parse(event.time)) ? event.time : event.receivedAt,
    datacontenttype: 'application/json',
  });
  const withoutMark = body.subarray(0, 3).equals(UTF8_MARK) ? body.subarray(3) : body;
  return Buffer.concat([Buffer.from(`${attributes.slice(0, -1)},"data":`), withoutMark, Buffer.from('}')]);
}
