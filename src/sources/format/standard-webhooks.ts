import { decoded, NAME_SCHEMA, own, readObject, SAID_SCHEMA, saidIn, text } from './fields.js';
import { formatWithoutKeys } from './kind.js';

/** Standard Webhooks: the id in a header, `type`, `timestamp` and `data` in the body. https://github.com/standard-webhooks/standard-webhooks */
export const standardWebhooksFormat = formatWithoutKeys({
  type: 'standard-webhooks',
  description:
    'A JSON object `{ "type": string, "timestamp": string, "data": any }`, its id in the header `webhook-id` (Svix: `svix-id`). Severity, name, message and cluster are read from `data` where it has them.',
  payload: {
    type: 'object',
    required: ['type'],
    properties: {
      type: NAME_SCHEMA,
      timestamp: { description: 'when it happened; a text in RFC 3339, which is not checked' },
      data: SAID_SCHEMA,
    },
  },
  headers: ['webhook-id', 'svix-id'],
  sample: (id) => ({ body: '{"type":"test","timestamp":"2026-01-12T09:24:07Z","data":{}}', headers: { 'webhook-id': id, 'svix-id': id } }),
  decode: (bytes, headers) =>
    readObject(bytes, (body) => {
      const id = headers['webhook-id'] ?? headers['svix-id'] ?? null;
      const data = own(body, 'data') ?? null;
      const event = { id, type: text(body, 'type') ?? '', ...saidIn(data), time: text(body, 'timestamp'), data, body };
      return decoded(event, { id: 'the header webhook-id', type: '"type"' });
    }),
});
