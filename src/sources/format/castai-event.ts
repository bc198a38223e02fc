import { decoded, NAME_SCHEMA, own, readObject, SAID_SCHEMA, saidIn, text, unreadable, type JsonObject } from './fields.js';
import { formatWithoutKeys } from './kind.js';
import type { Decoding } from '../../core/source.js';

/** The envelope `{ "id", "type", "data", "created" }`. */
export const castaiEvent = formatWithoutKeys({
  type: 'castai-event',
  description:
    'A JSON object `{ "id": string, "type": string, "data": any, "created": string }`. Severity, name, message and cluster are read from `data` where it has them.',
  payload: {
    type: 'object',
    required: ['type'],
    properties: {
      id: { type: ['string', 'null'], description: 'id of the event; in the header castbridge-event-id, too' },
      type: NAME_SCHEMA,
      data: SAID_SCHEMA,
      created: { description: 'when it happened; a text in RFC 3339, which is not checked' },
    },
  },
  headers: [],
  decode: (bytes) => readObject(bytes, read),
  sample: (id) => ({ body: JSON.stringify({ id, type: 'test', data: {}, created: '2026-01-12T09:24:07Z' }), headers: {} }),
});

function read(body: JsonObject): Decoding {
  const id = own(body, 'id') ?? null;
  if (id !== null && typeof id !== 'string') return unreadable('"id" is not a string');
  const data = own(body, 'data') ?? null;
  const event = { id, type: text(body, 'type') ?? '', ...saidIn(data), time: text(body, 'created'), data, body };
  return decoded(event, { id: '"id"', type: '"type"' });
}
