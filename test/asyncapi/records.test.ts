import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '../../src/asyncapi/document.js';
import { served, until, type Served } from '../e2e/serve.js';
import { anyBrokers, describeAnyKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, unusedTopic, type Recorded } from '../kafka/topics.js';
import { faultsOfDocument, messageChecks } from './specification.js';

const TYPED = '{ type: json, fields: { id: /id, type: { header: X-Type } } }';

const yaml = (brokers: string[], raw: string, prefix: string) => `
sources:
  castai: { path: /castai, verify: { type: none }, format: castai-event, dedup: { missingId: hash } }
  console: { path: /console, verify: { type: none }, format: castai-notification }
  audit: { path: /audit, verify: { type: none }, format: castai-audit }
  ce: { path: /ce, verify: { type: none }, format: cloudevents }
  standard: { path: /standard, verify: { type: none }, format: standard-webhooks }
  github: { path: /github, verify: { type: none }, format: github }
  any: { path: /any, verify: { type: none }, format: ${TYPED} }
sinks:
  raw: { type: kafka, brokers: ${JSON.stringify(brokers)}, topic: ${raw}, key: event.cluster.id, headers: { severity: '{event.severity}', team: x } }
  enveloped: { type: kafka, brokers: ${JSON.stringify(brokers)}, topic: '${prefix}{event.source}', topics: [${prefix}castai, ${prefix}audit], value: cloudevents }
routes:
  - { name: all, to: [raw] }
  - { name: some, match: { source: [castai, audit], type: [resource.created, 'audit.*'] }, to: [enveloped] }
`;

interface Post {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const AUDIT = (id: string) => ({ id, eventType: 'nodeAdded', time: '2026-01-12T09:24:07Z', event: { x: 1 }, labels: { clusterId: 'c-1' } });
const POSTS: readonly Post[] = [
  {
    path: '/castai',
    body: '\uFEFF{"id":"1","type":"resource.created","data":{"cluster":{"id":"c-1"},"big":9007199254740993},"created":"2026-01-12T09:24:07Z"}',
  },
  { path: '/castai', body: '{"id":null,"type":"Größe 😀","created":7}' },
  { path: '/console', body: '{"NotificationID":"1","Severity":"CRITICAL","Name":"A node failed","Cluster":{"ID":"c-2"}}' },
  { path: '/audit', body: JSON.stringify({ items: [AUDIT('1'), AUDIT('2')] }) },
  { path: '/ce', body: '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":[1]}' },
  { path: '/ce', body: 'no JSON', headers: { 'ce-specversion': '1.0', 'ce-id': '2', 'ce-source': '/s', 'ce-type': 't' } },
  { path: '/standard', body: '{"type":"a.b","timestamp":"2026-01-12T09:24:07Z","data":{}}', headers: { 'webhook-id': '1' } },
  {
    path: '/github',
    body: '{"action":"opened","repository":{"full_name":"a/b"}}',
    headers: { 'x-github-delivery': '1', 'x-github-event': 'issues' },
  },
  { path: '/any', body: '{"id":1}', headers: { 'x-type': 'deploy' } },
];

describeAnyKafka('what consumers read of the built bridge', () => {
  const prefix = `${unusedTopic()}.`;
  let raw: string;
  let brokers: string[];
  let bridge: Served;
  let document: Json;
  const read = async (topic: string, count: number): Promise<readonly Recorded[]> => {
    const records = await readTopic(brokers, topic);
    expect(records).toHaveLength(count);
    return records;
  };

  beforeAll(async () => {
    brokers = await anyBrokers();
    raw = await createTopic(brokers, 3);
    for (const source of ['castai', 'audit']) await createTopic(brokers, 1, {}, `${prefix}${source}`);
    bridge = await served(yaml(brokers, raw, prefix));
    await bridge.start();
    for (const { path, body, headers = {} } of POSTS) {
      const answer = await fetch(new URL(path, bridge.url), { method: 'POST', body, headers });
      expect([path, answer.status, await answer.text()]).toEqual([path, 200, '{"received":true}']);
    }
    await until(async () => (await bridge.here('deliveries', '--state', 'waiting', '--json')).out === '');
    const { code, out } = await bridge.here('asyncapi', '--json');
    expect(code).toBe(0);
    document = JSON.parse(out) as Json;
  }, START_MS);
  afterAll(() => bridge.cleanUp());

  it('is what `castbridge asyncapi` says of it: headers, key and value validate, of every format', async () => {
    expect(faultsOfDocument(document)).toEqual([]);
    const records = await read(raw, POSTS.length + 1);
    for (const record of records) expect(faultsOf(record, 'raw')).toEqual([]);
    expect(new Set(records.map(({ headers }) => headers['castbridge-source'])).size).toBe(7);
  });

  it('also where a CloudEvent is around it, in topics that are computed', async () => {
    const address = document['channels'] as Readonly<Record<string, { parameters: { topic: { enum: string[] } } }>>;
    const [castai = '', audit = ''] = address['enveloped']?.parameters.topic.enum ?? [];
    for (const record of [...(await read(castai, 1)), ...(await read(audit, 2))]) expect(faultsOf(record, 'enveloped')).toEqual([]);
  });

  it('is what is checked: a record of another source, one without a header, and another value are refused', async () => {
    const [record] = (await read(`${prefix}castai`, 1)) as [Recorded];
    const { headers, payload, key } = messageChecks(document, 'enveloped', 'enveloped.castai');
    expect(headers(record.headers)).toEqual([]);
    for (const name of Object.keys(record.headers)) expect(headers({ ...record.headers, [name]: undefined }), name).not.toEqual([]);
    expect(headers({ ...record.headers, 'castbridge-type': 'resource.deleted' })).not.toEqual([]);
    expect(headers({ ...record.headers, 'castbridge-received-at': 'yesterday' })).not.toEqual([]);
    expect(headers({ ...record.headers, 'castbridge-delivery-id': '' })).not.toEqual([]);
    expect(messageChecks(document, 'enveloped', 'enveloped.audit').headers(record.headers)).not.toEqual([]);
    for (const wrong of [{}, { ...(JSON.parse(textOf(record)) as object), data: {} }]) expect(payload(wrong)).not.toEqual([]);
    expect(key(record.key)).toEqual([]);
    expect(key('c-1')).not.toEqual([]);
  });

  it('is the same document in YAML', async () => {
    const { code, out, err } = await bridge.here('asyncapi');
    expect([code, err, parse(out)]).toEqual([0, '', document]);
    expect(out).toMatch(/^asyncapi: 3\.0\.0\n/);
  });

  function faultsOf(record: Recorded, channel: string): string[] {
    const { headers, payload, key } = messageChecks(document, channel, `${channel}.${record.headers['castbridge-source']}`);
    return [...headers(record.headers), ...payload(valueOf(record)), ...key(record.key === null ? null : record.key.toString())];
  }
});

function textOf({ value }: Recorded): string {
  return String(value).replace(/^\uFEFF/, '');
}

/** As a consumer reads it: JSON, or, where a sender of CloudEvents posts something else, a text. */
function valueOf(record: Recorded): unknown {
  const text = textOf(record);
  return text === 'no JSON' ? text : (JSON.parse(text) as unknown);
}
