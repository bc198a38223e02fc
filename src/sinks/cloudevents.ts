import type { Message } from '../core/sink.js';

/** What the body of a structured CloudEvent is. */
export const CLOUDEVENTS_TYPE = 'application/cloudevents+json; charset=utf-8';

/** A byte order mark is allowed before a JSON text, not inside one. */
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** The attributes of CloudEvents 1.0, without that of the content. */
export function attributesOf({ event }: Message): Readonly<Record<string, string>> {
  return {
    specversion: '1.0',
    id: event.id,
    source: `/castbridge/${encodeURIComponent(event.source)}`,
    // Of a body that could not be read nothing is known; a CloudEvent has a type.
    type: event.type === '' ? 'castbridge.undecodable' : event.type,
    time: event.time !== null && RFC_3339.test(event.time) && !Number.isNaN(Date.parse(event.time)) ? event.time : event.receivedAt,
  };
}

/** Structured mode: one JSON; `data` is the received bytes, put in unchanged. Those of a dead letter, and of a CloudEvent in binary mode, may be no JSON: they are `data_base64` then. */
export function structuredCloudEvent(message: Message): Buffer {
  const { body } = message;
  if (!isJson(body)) return Buffer.from(JSON.stringify({ ...attributesOf(message), data_base64: body.toString('base64') }));
  const attributes = JSON.stringify({ ...attributesOf(message), datacontenttype: 'application/json' });
  const withoutMark = body.subarray(0, 3).equals(UTF8_MARK) ? body.subarray(3) : body;
  return Buffer.concat([Buffer.from(`${attributes.slice(0, -1)},"data":`), withoutMark, Buffer.from('}')]);
}

/** Binary mode: the attributes as headers that begin with `prefix`; the body is the received bytes. */
export function cloudEventHeaders(
  message: Message,
  prefix: 'ce-' | 'ce_',
  encode: (value: string) => string = (value) => value,
): Record<string, string> {
  return Object.fromEntries(Object.entries(attributesOf(message)).map(([name, value]) => [prefix + name, encode(value)]));
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}
