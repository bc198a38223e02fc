import type { EventHeaders } from '../../core/event.js';
import type { Decoding } from '../../core/source.js';
import { decoded, NAME_SCHEMA, own, readObject, SAID_SCHEMA, saidIn, text, unreadable, type JsonObject } from './fields.js';
import { readJson, textOf } from './json-body.js';
import { formatWithoutKeys } from './kind.js';
import { cutList } from './list.js';

/** CloudEvents over HTTP. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md */
export const cloudevents = formatWithoutKeys({
  type: 'cloudevents',
  description:
    'CloudEvents 1.0 over HTTP, structured, binary or in batches (each event of a batch is an event of its own). A CloudEvent is unique by its source and its id: its id here is `SOURCE#ID`. Its name is its `subject`, unless `data` has one; severity, message and cluster are read from `data` where it has them.',
  payload: {
    anyOf: [
      {
        type: 'object',
        description: 'posted in structured mode, or cut out of a batch: the whole CloudEvent',
        required: ['specversion', 'type'],
        properties: {
          specversion: { type: 'string', minLength: 1 },
          id: { description: 'with `source`, the id of the event' },
          source: { description: 'where it happened; a URI reference' },
          type: NAME_SCHEMA,
          subject: { description: 'what it is about' },
          time: { description: 'when it happened; a text in RFC 3339, which is not checked' },
          data: SAID_SCHEMA,
          data_base64: { description: 'the same, where it is no JSON' },
        },
      },
      { description: 'posted in binary mode: its data alone, of any content type; the attributes were headers of the request' },
    ],
  },
  headers: ['ce-*'],
  cut: (bytes) => cutList(bytes, null),
  decode: (bytes, headers) => (headers['ce-specversion'] === undefined ? readObject(bytes, structured) : binary(bytes, headers)),
  sample: (id) => ({ body: JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'test', data: {} }), headers: {} }),
});

/** The attributes of the one in the body, with its data. */
function structured(body: JsonObject): Decoding {
  const encoded = own(body, 'data_base64');
  const data = typeof encoded === 'string' ? payload(Buffer.from(encoded, 'base64')) : (own(body, 'data') ?? null);
  return read(
    (name) => text(body, name),
    data,
    body,
    (name) => `"${name}"`,
  );
}

function binary(bytes: Buffer, headers: EventHeaders): Decoding {
  const data = payload(bytes);
  const attribute = (name: string): string | null => unescaped(headers[`ce-${name}`] ?? '');
  return read(attribute, data, data, (name) => `the header ce-${name}`);
}

/** Of any type, as the specification has it: JSON where it is that, whatever its content type; else the text; null, where it is not even one. */
function payload(bytes: Buffer): unknown {
  const json = readJson(bytes);
  return json.ok ? json.body : textOf(bytes);
}

function read(attribute: (name: string) => string | null, data: unknown, body: unknown, placeOf: (name: string) => string): Decoding {
  const [id, source] = [attribute('id'), attribute('source')];
  if (attribute('specversion') === null) return unreadable(`${placeOf('specversion')} is missing: this is no CloudEvent`);
  if (id !== null && source === null) return unreadable(`${placeOf('source')} is missing: no CloudEvent is without one`);
  const said = saidIn(data);
  const event = {
    id: id === null ? null : `${source ?? ''}#${id}`,
    type: attribute('type') ?? '',
    ...said,
    name: said.name ?? attribute('subject'),
    time: attribute('time'),
    data,
    body,
  };
  return decoded(event, { id: `${placeOf('source')} with ${placeOf('id')}`, type: placeOf('type') });
}

/** Header values are percent-encoded UTF-8; '' is none. */
function unescaped(value: string): string | null {
  try {
    return value === '' ? null : decodeURIComponent(value);
  } catch {
    return value;
  }
}
