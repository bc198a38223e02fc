import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asyncapiDocument, type Json } from '../../src/asyncapi/document.js';
import { envelopeOf } from '../../src/asyncapi/envelope.js';
import { lineOf } from '../../src/config/finding.js';
import { loadConfig, parseConfig, type Loaded } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';
import { ENV, FILES } from '../config/examples.js';
import { faultsOfDocument } from './specification.js';

/** What the tests look at. */
interface Document extends Json {
  readonly servers: Readonly<Record<string, { readonly host: string; readonly protocol: string; readonly security?: readonly object[] }>>;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly securitySchemes: object };
}

interface Channel {
  readonly address: string;
  readonly parameters?: Readonly<Record<string, { readonly enum?: readonly string[]; readonly description: string }>>;
  readonly servers: readonly object[];
  readonly messages: Readonly<Record<string, Message>>;
}

interface Message {
  readonly headers: { readonly properties: Readonly<Record<string, Json>>; readonly required: readonly string[] };
  readonly payload: Json;
  readonly bindings: { readonly kafka: { readonly key: Json } };
  readonly 'x-castbridge': { readonly routes: readonly string[] };
}

function documentOf(loaded: Loaded): Document | null {
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  return asyncapiDocument(loaded.config, kinds, '1.2.3') as Document | null;
}

const SOURCES = `
  castai: { path: /castai, verify: { type: none }, format: castai-event }
  alerts-eu: { path: /eu, verify: { type: none }, format: castai-notification }
  github: { path: /github, verify: { type: none }, format: github }
`;

/** Of a sink \`events\` with these keys, and whatever else the file has. */
function written(sink: string, rest = 'routes: [{ to: [events] }]'): Document {
  const text = `sources:${SOURCES}sinks: { events: { type: kafka, brokers: ['b-1:9092'], ${sink} } }\n${rest}\n`;
  const document = documentOf(parseConfig(text, 'bridge.yaml', {}, kinds));
  if (document === null) throw new Error('it has no Kafka sink');
  expect(faultsOfDocument(document)).toEqual([]);
  return document;
}

describe('the AsyncAPI document of a configuration', () => {
  it.each(FILES)('is valid by the published schema, and every reference in it leads somewhere: %s', (file) => {
    const document = documentOf(loadConfig(file, ENV, kinds));
    if (document === null) return;
    expect(faultsOfDocument(document)).toEqual([]);
    for (const [, path = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]*)"/g))
      expect(
        path.split('/').reduce<unknown>((part, name) => (part as Json)[name], document),
        path,
      ).toBeTypeOf('object');
  });

  it('is looked at: the published schema refuses one that is changed', () => {
    const { channels, ...rest } = written('topic: t');
    expect(faultsOfDocument({ ...rest, channels: { ...channels, events: { ...channels['events'], address: 7 } } })).not.toEqual([]);
    expect(faultsOfDocument({ ...rest, servers: { one: { host: 'b-1:9092' } } })).not.toEqual([]);
  });

  it('is none where no sink writes to Kafka', () => {
    expect(documentOf(loadConfig('config/examples/slack-only.yaml', ENV, kinds))).toBeNull();
  });

  it('has the messages of the sources whose events a row leads to the sink, and of no others', () => {
    const rest = `routes:
  - { name: a, match: { source: castai, type: [resource.created, 'node.*'] }, to: [events] }
  - { name: b, match: { source: 'alerts-*' }, to: [events] }
  - { name: c, match: { source: castai, type: 'x?' }, to: [events] }
`;
    const { messages } = written('topic: t', rest).channels['events'] as Channel;
    expect(Object.entries(messages).map(([name, message]) => [name, message['x-castbridge'].routes])).toEqual([
      ['events.castai', ['a', 'c']],
      ['events.alerts-eu', ['b']],
    ]);
    const type = (name: string) => messages[name]?.headers.properties['castbridge-type'];
    expect(type('events.alerts-eu')).not.toHaveProperty('pattern');
    const pattern = new RegExp(String(type('events.castai')?.['pattern']), 'u');
    for (const right of ['resource.created', 'node.', 'node.failed', 'x1']) expect(right).toMatch(pattern);
    for (const wrong of ['resource.createdX', 'resourceXcreated', 'nodes.failed', 'x12', '']) expect(wrong).not.toMatch(pattern);
  });

  it('says which types there are, where the rows list them, and leaves them open behind `otherwise`', () => {
    const rows = 'routes: [{ match: { type: [a, b] }, to: [events] }, { match: { type: c }, to: [events] }]';
    const typeIn = (document: Document) => document.channels['events']?.messages['events.castai']?.headers.properties['castbridge-type'];
    expect(typeIn(written('topic: t', rows))).toMatchObject({ enum: ['a', 'b', 'c'] });
    expect(typeIn(written('topic: t', `${rows}\notherwise: { to: [events] }`))).not.toHaveProperty('enum');
  });

  it.each([
    ['castai.events', 'castai.events', undefined],
    ['castai.{event.type}', 'castai.{type}', { type: { description: 'computed, in CEL: event.type' } }],
    ['{event.type}', '{topic}', { topic: { enum: ['a.b', 'c'], description: 'computed: {event.type}' } }],
    ['a.{event.type}', '{topic}', { topic: { enum: ['a.b'], description: 'computed: a.{event.type}' } }],
    [
      'x-{event.cluster.id}-{event.cluster.id}-{event.type == "a" ? "b" : "c"}',
      'x-{cluster-id}-{cluster-id-2}-{computed-3}',
      {
        'cluster-id': { description: 'computed, in CEL: event.cluster.id' },
        'cluster-id-2': { description: 'computed, in CEL: event.cluster.id' },
        'computed-3': { description: 'computed, in CEL: event.type == "a" ? "b" : "c"' },
      },
    ],
  ])('a topic %s has the address %s', (topic, address, parameters) => {
    const listed = address === '{topic}' ? ', topics: [a.b, c]' : '';
    expect(written(`topic: '${topic}'${listed}`).channels['events']).toMatchObject({ address, ...(parameters === undefined ? {} : { parameters }) });
  });

  it('has one channel for two sinks of one topic, and two where the brokers are others', () => {
    const text = (brokers: string) => `sources:${SOURCES}sinks:
  one: { type: kafka, brokers: ['b:1'], topic: t }
  two: { type: kafka, brokers: ['${brokers}'], topic: t, value: cloudevents }
routes: [{ match: { source: castai }, to: [one, two] }]
`;
    const channelsOf = (brokers: string) => documentOf(parseConfig(text(brokers), 'bridge.yaml', {}, kinds))?.channels ?? {};
    expect(Object.entries(channelsOf('b:1')).map(([name, { messages }]) => [name, Object.keys(messages)])).toEqual([
      ['one', ['one.castai', 'two.castai']],
    ]);
    expect(Object.keys(channelsOf('b:2'))).toEqual(['one', 'two']);
  });

  it('names brokers and mechanisms, and nothing that a login needs beside', () => {
    const secret = 'a-password-0123456789';
    const sasl = `sasl: { mechanism: scram-sha-512, username: somebody, password: ${secret} }`;
    const document = written(
      `topic: t, tls: { cert: PEM-OF-A-CERTIFICATE, key: PEM-OF-A-KEY-0123456789 }, ${sasl}, headers: { x: 'text-{event.type}' }`,
    );
    expect(document.servers).toEqual({
      'b-1-9092': {
        host: 'b-1:9092',
        protocol: 'kafka-secure',
        security: [{ $ref: '#/components/securitySchemes/scram-sha-512' }, { $ref: '#/components/securitySchemes/client-certificate' }],
      },
    });
    expect(document.components.securitySchemes).toEqual({ 'scram-sha-512': { type: 'scramSha512' }, 'client-certificate': { type: 'X509' } });
    expect(JSON.stringify(document)).not.toMatch(/somebody|PEM-OF|text-|0123456789/);
    expect(JSON.stringify(document)).not.toContain(secret);
  });

  it('tells the key and further headers by their expressions', () => {
    const { headers, bindings } = written(
      "topic: t, key: event.cluster.id, headers: { severity: '{event.severity}', team: x, content-type: text/plain }",
    ).channels['events']?.messages['events.castai'] as Message;
    expect(bindings.kafka.key).toEqual({ type: ['string', 'null'], description: 'computed, in CEL: event.cluster.id; null where that is empty' });
    expect(headers.properties).toMatchObject({
      severity: { type: 'string', description: 'computed, in CEL: event.severity' },
      team: { type: 'string', description: 'the same for every record' },
      'content-type': { type: 'string', description: 'the same for every record' },
      'castbridge-source': { const: 'castai' },
    });
    expect(headers.required).toEqual(Object.keys(headers.properties));
  });

  it('has the attributes of a CloudEvent in the value, or in headers', () => {
    const content = { source: 'castai', type: { type: 'string' }, body: {} };
    const { payload } = written('topic: t, value: cloudevents').channels['events']?.messages['events.castai'] as Message;
    expect(payload['required']).toEqual(['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'data']);
    const { headers, payload: received } = envelopeOf('cloudevents-binary', content);
    expect(Object.keys(headers)).toEqual(['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time']);
    expect(received).toBe(content.body);
  });

  it('says no less than docs/consuming.md: a row of it for every header that all records have, and for every form of a value', () => {
    const page = readFileSync('docs/consuming.md', 'utf8');
    const { headers } = written('topic: t').channels['events']?.messages['events.castai'] as Message;
    const always = [...page.matchAll(/^\| `([\w-]+)` \| always \|/gm)].map(([, name]) => name);
    expect(always.filter((name) => name?.startsWith('castbridge-dead-') === false).toSorted()).toEqual([...headers.required].sort());
    const told = written('topic: t', 'onDead: { to: [events] }\nroutes: [{ to: [events] }]').channels['events']?.messages['events.onDead'] as Message;
    expect(always.toSorted()).toEqual([...told.headers.required].sort());
    const { value } = (kinds.sinks.find(({ type }) => type === 'kafka')?.schema as { properties: { value: { enum: readonly string[] } } }).properties;
    for (const form of value.enum) expect(page).toMatch(new RegExp(`^\\| \`${form}\``, 'm'));
  });
});
