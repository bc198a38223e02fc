import fc from 'fast-check';
import { CloudEvent, HTTP } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import { startHttpReceiver, type HttpReceiver, type Received } from '../receivers/http-receiver.js';
import { configured, sent } from './sent.js';

const URL_OF_NONE = 'http://127.0.0.1:9/';

/** What the body comes to for an event, read back. */
function bodyOf(body: unknown, event: Partial<EventView> = {}): unknown {
  const { message, preview } = configured({ type: 'http', url: URL_OF_NONE, body });
  return JSON.parse(preview(message(event))['body'] as string);
}

describe('a body that is a structure', () => {
  it.each<[unknown, unknown]>([
    [{ a: '{{ event.data.nodes }}' }, { a: 3 }],
    [{ a: '{{event.data.nodes}}' }, { a: 3 }],
    [{ a: '{{- event.data.nodes -}}' }, { a: 3 }],
    [{ a: '{{ event.data.nodes | plus: 1 }}' }, { a: 4 }],
    [{ a: '{{ event.data }}' }, { a: { nodes: 3, list: [1, 'x'], no: null, yes: true } }],
    [{ a: '{{ event.data.list }}' }, { a: [1, 'x'] }],
    [{ a: '{{ event.data.list | first }}' }, { a: 1 }],
    [{ a: '{{ event.data.list | size }}' }, { a: 2 }],
    [{ a: '{{ event.data.no }}' }, { a: null }],
    [{ a: '{{ event.data.missing }}' }, { a: null }],
    [{ a: '{{ nil }}' }, { a: null }],
    [{ a: '{{ event.data.yes }}' }, { a: true }],
    [{ a: '{{ event.data.missing | default: 7 }}' }, { a: 7 }],
    [{ a: '{{ event.data | raw }}' }, { a: { nodes: 3, list: [1, 'x'], no: null, yes: true } }],
    [{ a: '{{ event.data.list | json }}' }, { a: '[1,"x"]' }],
    [{ a: '{{ event.name }}' }, { a: 'Node "n1"\n' }],
    // Anything else is a text.
    [{ a: ' {{ event.data.nodes }}' }, { a: ' 3' }],
    [{ a: '{{ event.data.nodes }}{{ event.data.nodes }}' }, { a: '33' }],
    [{ a: '{{ event.data.nodes }} nodes' }, { a: '3 nodes' }],
    [{ a: '{{ event.data.list }}!' }, { a: '[1,"x"]!' }],
    [{ a: '{% if event.data.yes %}{{ event.data.nodes }}{% endif %}' }, { a: '3' }],
    [{ a: '{{ event.data.missing }}!' }, { a: '!' }],
    [{ a: '{% raw %}{{ event.name }}{% endraw %}' }, { a: '{{ event.name }}' }],
    [{ a: '{{ event.name }} & <b>' }, { a: 'Node "n1"\n & <b>' }],
    // What is no template stands as it is.
    [
      { a: 'plain', b: 1.5, c: null, d: [true, { e: '{event.name}x' }] },
      { a: 'plain', b: 1.5, c: null, d: [true, { e: '{event.name}x' }] },
    ],
    [
      ['{{ event.data.nodes }}', { deep: ['{{ event.type }}'] }],
      [3, { deep: ['resource.created'] }],
    ],
    [{}, {}],
    [[], []],
  ])('%j', (body, read) => {
    expect(bodyOf(body, { name: 'Node "n1"\n', data: { nodes: 3, list: [1, 'x'], no: null, yes: true } })).toEqual(read);
  });

  it('is JSON whatever the event holds, and every value of it is what the event had', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', '"},"x":{"', '\u2028', '{{ event.id }}', '\\', '\0', '__proto__'));
    const made = configured({
      type: 'http',
      url: URL_OF_NONE,
      body: {
        name: '{{ event.name }}',
        inside: '<{{ event.name }}>',
        data: '{{ event.data }}',
        list: ['{{ event.data }}', '{{ event.cluster.name }}'],
      },
    });
    fc.assert(
      fc.property(fc.option(text), fc.jsonValue(), fc.option(text), (name, data, cluster) => {
        const event = { name, data, cluster: { id: null, name: cluster } };
        const read: unknown = JSON.parse(made.preview(made.message(event))['body'] as string);
        // As JSON has it: -0 is 0 there.
        const value = JSON.parse(JSON.stringify(data)) as unknown;
        expect(read).toEqual({ name, inside: `<${name ?? ''}>`, data: value, list: [value, cluster] });
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps a key that is called __proto__, in the YAML and in the event', () => {
    const data = JSON.parse('{"__proto__":{"a":1}}') as unknown;
    const body = JSON.parse('{"__proto__":"x","b":"{{ event.data }}"}') as unknown;
    const { message, preview } = configured({ type: 'http', url: URL_OF_NONE, body });
    expect(preview(message({ data }))['body']).toBe('{"__proto__":"x","b":{"__proto__":{"a":1}}}');
  });

  it('is a dead letter where JSON has no way to write a number, not another number', () => {
    expect(() => bodyOf({ a: '{{ event.data.x }}' }, { data: { x: Infinity } })).toThrow('JSON has no way to write');
    expect(() => bodyOf({ a: '{{ event.data }}' }, { data: { x: [Infinity] } })).toThrow('JSON has no way to write');
  });

  it.each<[unknown, string]>([
    [{ a: '{{ event.nmae }}' }, 'sinks.out.body.a: an event has no "nmae"; did you mean "event.name"?'],
    [{ a: ['x', '{{ event.name | upcas }}'] }, 'sinks.out.body.a[1]: there is no filter "upcas"; did you mean "upcase"?'],
    [{ a: { b: '{{ event.name' } }, 'sinks.out.body.a.b: this "{{" is never closed'],
    [{ a: '{{ event.name == "x" }}' }, 'sinks.out.body.a: a comparison puts out true or false'],
    [{ '{{ event.name }}': 1 }, 'a key is not computed'],
    ['{"text": "{{ event.name }}"}', 'sinks.out.body: a template is not allowed here; it is: `raw`'],
    ['{{ event.data }}', 'sinks.out.body: a template is not allowed here'],
    ['cloudevent', 'sinks.out.body: "cloudevent" is not allowed here; did you mean "cloudevents"?'],
    ['hello', 'sinks.out.body: "hello" is not allowed here'],
    [5, 'sinks.out.body'],
  ])('%j is a mistake', (body, told) => {
    expect(() => configured({ type: 'http', url: URL_OF_NONE, body })).toThrow(told);
  });
});

describe('a body on its way', () => {
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
  });
  afterAll(() => receiver.goAway());

  const arrived = async (parts: object, event: Partial<EventView> = {}): Promise<Received> => {
    expect(await sent({ type: 'http', url: receiver.url, ...parts }, event)).toMatchObject({ kind: 'delivered' });
    const last = receiver.received.at(-1);
    if (last === undefined) throw new Error('nothing arrived');
    return last;
  };
  const textsOf = ({ headers }: Received) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

  it('is sent as JSON', async () => {
    const { headers, body } = await arrived({ body: { name: '{{ event.name }}', nodes: '{{ event.data.nodes }}' } }, { name: 'ü🦊' });
    expect([headers['content-type'], headers['content-length'], body.toString()]).toEqual([
      'application/json',
      String(Buffer.byteLength('{"name":"ü🦊","nodes":3}')),
      '{"name":"ü🦊","nodes":3}',
    ]);
  });

  it('may be called otherwise than JSON by a header', async () => {
    const { headers } = await arrived({ body: { a: 1 }, headers: { 'Content-Type': 'application/vnd.api+json' } });
    expect(headers['content-type']).toBe('application/vnd.api+json');
  });

  const event = { id: 'evt_ü "1" 100%\n', type: 'a b', time: '2026-01-12T09:24:06Z', body: { id: 'x', n: [1, 'ü'] } };

  it('is a CloudEvent that the library of the specification reads, structured', async () => {
    const received = await arrived({ body: 'cloudevents' }, event);
    expect(received.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    const read = HTTP.toEvent({ headers: textsOf(received), body: received.body.toString() });
    if (Array.isArray(read)) throw new Error('one event was sent');
    expect(read).toMatchObject({
      specversion: '1.0',
      id: event.id,
      source: '/castbridge/castai',
      type: 'a b',
      time: '2026-01-12T09:24:06.000Z',
      datacontenttype: 'application/json',
      data: event.body,
    });
    expect(new CloudEvent(read).validate()).toBe(true);
  });

  it('is a CloudEvent that the library of the specification reads, binary: the received bytes, attributes in headers', async () => {
    const received = await arrived({ body: 'cloudevents-binary' }, event);
    expect(received.headers).toMatchObject({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-source': '/castbridge/castai',
      'ce-type': 'a%20b',
      'ce-id': 'evt_%C3%BC%20%221%22%20100%25%0A',
    });
    expect(received.body.toString()).toBe(JSON.stringify(event.body));
    const read = HTTP.toEvent({ headers: textsOf(received), body: received.body.toString() });
    if (Array.isArray(read)) throw new Error('one event was sent');
    // The library leaves the decoding of attributes to its user.
    expect([decodeURIComponent(read.id), decodeURIComponent(read.type), read.source, read.time, read.data]).toEqual([
      event.id,
      'a b',
      '/castbridge/castai',
      '2026-01-12T09:24:06.000Z',
      event.body,
    ]);
  });

  it('takes the time of the receipt where the sender’s is no time', async () => {
    for (const time of [null, 'yesterday', '2026-99-12T09:24:06Z', '2026-01-12 09:24:06'])
      expect((await arrived({ body: 'cloudevents-binary' }, { time })).headers['ce-time']).toBe('2026-01-12T09:24:07.000Z');
  });

  it('has attributes that nobody else sets', () => {
    expect(() => configured({ type: 'http', url: receiver.url, body: 'cloudevents-binary', headers: { 'CE-Id': 'x' } })).toThrow(
      'the bridge sets "CE-Id" itself',
    );
    expect(() => configured({ type: 'http', url: receiver.url, headers: { 'ce-subject': 'x' } })).not.toThrow();
  });
});
