import type { Decoding } from '../../core/source.js';
import { decoded, isObject, readObject, type JsonObject } from './fields.js';
import { formatWithoutKeys } from './kind.js';

/**
 * Renders valid JSON, whatever a notification says: texts that are free are written by `toJSON`, with their quotes. `.Cluster` is written whole, since it may be
 * empty, and has no fields then.
 */
const TEMPLATE = `{
  "NotificationID": "{{ .NotificationID }}",
  "OrganizationID": "{{ .OrganizationID }}",
  "Severity": "{{ .Severity }}",
  "Name": {{ toJSON .Name }},
  "Message": {{ toJSON .Message }},
  "Details": {{ toJSON .Details }},
  "Timestamp": "{{ toISO8601 .Timestamp }}",
  "Cluster": {{ toJSON .Cluster }}
}`;

const SAMPLE = {
  Severity: 'INFO',
  Name: 'A test',
  Message: 'Sent by hand.',
  Details: {},
  Timestamp: '2026-01-12T09:24:07Z',
  Cluster: { ID: '00000000-0000-0000-0000-000000000000', Name: 'test' },
};

/**
 * A notification of Cast AI: the customer writes the template of its body, so there are names for what it says rather than a schema. As its documentation has
 * it; not tried against a live account. https://docs.cast.ai/docs/notifications
 */
export const castaiNotification = formatWithoutKeys({
  type: 'castai-notification',
  description:
    'A notification of Cast AI from any template that renders a JSON object: its fields are found under the names that templates for Slack, PagerDuty, Opsgenie and incident.io give them, in any case, also inside `payload`. Its type is `notification.SEVERITY.NAME`, such as `notification.critical.node-deletion-failed`, unless the body has a `type`; `data` is its `Details`.',
  payload: {
    type: 'object',
    description:
      'what the template of the sender renders: a JSON object. Its fields have the names that the template gives them, those named here where it is the one of `castbridge source`.',
    properties: {
      NotificationID: { description: 'id of the notification; in the header castbridge-event-id, too' },
      OrganizationID: { description: 'id of the organization' },
      Severity: { description: 'severity', examples: ['CRITICAL'] },
      Name: { description: 'what it is called', examples: ['Node deletion failed'] },
      Message: { description: 'a text for people' },
      Details: { description: 'what it knows beside; an object, or JSON in a text' },
      Timestamp: { description: 'when it happened', examples: ['2026-01-12T09:24:07Z'] },
      Cluster: { description: '`{ ID, Name }`, or nothing where it is about no cluster' },
    },
  },
  headers: [],
  decode: (bytes) => readObject(bytes, read),
  sample: (id) => ({ body: JSON.stringify({ ...SAMPLE, NotificationID: id }), headers: {} }),
  template: { title: 'Request template, of what Cast AI’s documentation names (not tried against a live account)', text: TEMPLATE },
});

const NAMES = {
  id: ['notificationid', 'id', 'dedupkey', 'alias', 'deduplicationkey'],
  type: ['type', 'eventtype'],
  severity: ['severity'],
  name: ['name', 'title', 'summary'],
  message: ['message', 'description', 'text', 'summary'],
  details: ['details', 'customdetails', 'metadata'],
  time: ['timestamp', 'time', 'createdat'],
  clusterId: ['clusterid'],
  clusterName: ['clustername', 'cluster'],
};

/** Of a name in a type: it becomes part of topics and keys. */
const SLUG_CHARS_MAX = 120;

function read(body: JsonObject): Decoding {
  const outer = byPlainName(body);
  const fields = new Map([...byPlainName(outer.get('payload')), ...outer]);
  const cluster = byPlainName(fields.get('cluster'));
  const severity = first(fields, NAMES.severity)?.toLowerCase() ?? null;
  const name = first(fields, NAMES.name);
  const event = {
    id: first(fields, NAMES.id),
    type: first(fields, NAMES.type) ?? `notification.${slug(severity) || 'unknown'}.${slug(name) || 'unnamed'}`,
    severity,
    name,
    message: first(fields, NAMES.message),
    cluster: { id: first(cluster, ['id']) ?? first(fields, NAMES.clusterId), name: first(cluster, ['name']) ?? first(fields, NAMES.clusterName) },
    time: first(fields, NAMES.time),
    data: unpacked(NAMES.details.map((key) => fields.get(key)).find((value) => value !== undefined)),
    body,
  };
  return decoded(event, { id: 'the id of the notification', type: '"type"' });
}

/** Values by the letters and digits of their keys, lower case: `NotificationID`, `notification_id` and `notification-id` are one. The first counts. */
function byPlainName(value: unknown): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, inner] of isObject(value) ? Object.entries(value) : []) {
    const plain = key.toLowerCase().replace(/[^a-z0-9]/g, '');
    if (!fields.has(plain)) fields.set(plain, inner);
  }
  return fields;
}

function first(fields: ReadonlyMap<string, unknown>, names: readonly string[]): string | null {
  const value = names.map((name) => fields.get(name)).find((found) => typeof found === 'string' && found.trim() !== '');
  return typeof value === 'string' ? value : null;
}

/** An object, a text, or JSON inside a text; null where there is none. */
function unpacked(details: unknown): unknown {
  if (typeof details !== 'string') return details ?? null;
  if (details === '') return null;
  try {
    return JSON.parse(details) as unknown;
  } catch {
    return details;
  }
}

/** Letters and digits of any script, the rest as dashes. */
function slug(text: string | null): string {
  const plain = (text ?? '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-');
  const cut = Array.from(plain).slice(0, SLUG_CHARS_MAX).join('');
  return cut.replace(/^-|-$/g, '');
}
