import type { Decoding } from '../../core/source.js';
import { decoded, isObject, own, readObject, text, type JsonObject } from './fields.js';
import { readJson } from './json-body.js';
import { formatWithoutKeys } from './kind.js';
import { cutList } from './list.js';

/** Items of Cast AI's audit log, as its API gives them (not tried against a live account). https://docs.cast.ai/reference/auditapi_listauditentries */
export const castaiAudit = formatWithoutKeys({
  type: 'castai-audit',
  description:
    'An entry of Cast AI’s audit log as `/v1/audit` or `/v2/audit/events` gives it, or a page of them (each entry is an event of its own). Its type is `audit.` with the event type, such as `audit.nodeAdded` or `audit.autoscaler.rebalancing.initiated`; `data` is its `event` (v1) or its decoded `body` (v2).',
  payload: {
    type: 'object',
    description: 'an entry of the audit log',
    anyOf: [
      { required: ['eventType'], properties: { eventType: { type: 'string', minLength: 1 } } },
      { required: ['type'], properties: { type: { type: 'string', minLength: 1 } } },
    ],
    properties: {
      id: { description: 'id of the entry; `eventId` where it is missing' },
      eventType: { description: 'what happened, behind `audit.` in the header castbridge-type; `type` where it is missing' },
      time: { description: 'when it happened; `occurredAt` where it is missing' },
      event: { description: 'what is known of it (`/v1/audit`)' },
      body: { description: 'what is known of it, as base64 of JSON (`/v2/audit/events`)' },
      labels: { description: 'among them `clusterId`' },
    },
  },
  headers: [],
  cut: (bytes) => cutList(bytes, 'items') ?? cutList(bytes, 'events'),
  decode: (bytes) => readObject(bytes, read),
  sample: (id) => ({ body: JSON.stringify({ id, eventType: 'test', time: '2026-01-12T09:24:07Z', event: {}, labels: {} }), headers: {} }),
});

function read(body: JsonObject): Decoding {
  const labels = objectAt(body, 'labels');
  const kind = text(body, 'eventType', 'type');
  const data = own(body, 'event') ?? unpacked(own(body, 'body')) ?? null;
  const said = isObject(data) ? data : {};
  const event = {
    id: text(body, 'id', 'eventId'),
    type: kind === null ? '' : `audit.${kind}`,
    severity: text(body, 'severity')?.toLowerCase() ?? null,
    name: kind,
    message: text(said, 'message'),
    cluster: { id: text(body, 'clusterId') ?? text(labels, 'clusterId') ?? text(said, 'clusterId'), name: text(said, 'clusterName') },
    time: text(body, 'time', 'occurredAt'),
    data,
    body,
  };
  return decoded(event, { id: '"id" or "eventId"', type: '"eventType"' });
}

/** Base64 of JSON; anything else as it stands. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const json = readJson(Buffer.from(value, 'base64'));
  return json.ok ? json.body : value;
}

function objectAt(body: JsonObject, key: string): JsonObject {
  const value = own(body, key);
  return isObject(value) ? value : {};
}
