import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Message, Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { messageTo, openSink, send, wordsOf } from '../kafka/sink.js';
import { anyBrokers, describeAnyKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, type Recorded } from '../kafka/topics.js';
import { configured } from './sent.js';

describeAnyKafka('the records of the kafka sink', () => {
  let brokers: string[];
  const sinks: Sink<KafkaContent>[] = [];
  beforeAll(async () => {
    brokers = await anyBrokers();
  }, START_MS);
  afterAll(() => Promise.all(sinks.map((sink) => sink.close())));

  const open = (parts: Partial<Parameters<typeof openSink>[0]> = {}): Sink<KafkaContent> => {
    const sink = openSink({ brokers, ...parts });
    sinks.push(sink);
    return sink;
  };
  const stored = async (sink: Sink<KafkaContent>, batch: readonly Message<KafkaContent>[]): Promise<Recorded[]> => {
    expect(wordsOf(await send(sink, batch))).toEqual(batch.map(() => 'delivered'));
    return readTopic(brokers, batch[0]?.content.topic ?? '');
  };

  it('T17: hold the received bytes, whatever they are', async () => {
    const bodies = [
      Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
      Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
      Buffer.from('{"n":9007199254740993,"x":1e400,"a":1,"a":2,"s":"\\ud800"}\r\n'),
      Buffer.alloc(0),
      Buffer.alloc(1_000, 0),
    ];
    for (const compression of ['none', 'gzip'] as const) {
      const topic = await createTopic(brokers);
      const batch = bodies.map((body, index) => messageTo(topic, `evt_${index}`, { body }));
      const records = await stored(open({ compression }), batch);
      expect(records.map(({ value }) => value)).toEqual(bodies);
    }
  });

  it('are smaller on the wire with gzip, and the same when they are read', async () => {
    const topic = await createTopic(brokers, 1, { 'max.message.bytes': '20000' });
    const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(100_000) }));
    expect(wordsOf(await send(open(), [messageTo(topic, 'evt_plain', { body })]))).toEqual(['rejected message_too_large']);
    const [record] = await stored(open({ compression: 'gzip' }), [messageTo(topic, 'evt_gzip', { body })]);
    expect(record?.value).toEqual(body);
  });

  it('carry what they are in their headers, and when they were received in their timestamp', async () => {
    const topic = await createTopic(brokers);
    const message = messageTo(topic, 'evt_ü🦊', { time: '2999-01-01T00:00:00Z' });
    const [record] = await stored(open(), [{ ...message, content: { ...message.content, headers: { team: 'größe' } } }]);
    expect(record?.headers).toEqual({
      'content-type': 'application/json',
      team: 'größe',
      'castbridge-event-id': 'evt_ü🦊',
      'castbridge-delivery-id': 'delivery-of-evt_ü🦊',
      'castbridge-source': 'castai',
      'castbridge-type': 'resource.created',
      'castbridge-received-at': '2026-01-12T09:24:07.000Z',
    });
    expect(record?.timestamp).toBe(String(Date.parse('2026-01-12T09:24:07.000Z')));
  });

  it('have the content type that the configuration gives them', async () => {
    const topic = await createTopic(brokers);
    const message = messageTo(topic, 'evt_1');
    const [record] = await stored(open(), [{ ...message, content: { ...message.content, headers: { 'content-type': 'text/plain' } } }]);
    expect(record?.headers['content-type']).toBe('text/plain');
  });

  it('are CloudEvents 1.0 in structured JSON where that is asked for, around the received bytes', async () => {
    const topic = await createTopic(brokers);
    const bodies = ['{"n":9007199254740993,"a":1,"a":2}', '\ufeff{"b":[ 1 ]}', '{"s":"\\ud800"}'].map((text) => Buffer.from(text));
    const times = ['2026-01-12T09:24:06.5+01:00', 'yesterday', '2026-99-99T00:00:00Z'];
    const batch = bodies.map((body, index) => messageTo(topic, `evt_${index}`, { body, time: times[index] ?? null }));
    const records = await stored(open({ value: 'cloudevents' }), batch);

    for (const [index, record] of records.entries()) {
      const text = record.value?.toString() ?? '';
      const { data, ...attributes } = JSON.parse(text) as Record<string, unknown>;
      expect(attributes).toEqual({
        specversion: '1.0',
        id: `evt_${index}`,
        source: '/castbridge/castai',
        type: 'resource.created',
        time: index === 0 ? '2026-01-12T09:24:06.5+01:00' : '2026-01-12T09:24:07.000Z',
        datacontenttype: 'application/json',
      });
      const body = bodies[index]?.toString().replace(/^\ufeff/, '') ?? '';
      expect(data).toEqual(JSON.parse(body));
      expect(text.endsWith(`"data":${body}}`)).toBe(true);
      expect(record.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    }
  });

  it('lie in the partition that Java’s producer would choose for their key', async () => {
    // Utils.toPositive(Utils.murmur2(key)) % 7, from kafka-clients 4.4.0; the keys up to "abc" are those of its UtilsTest.
    const partitions: Record<string, number> = {
      '21': 3,
      foobar: 0,
      'a-little-bit-long-string': 1,
      'a-little-bit-longer-string': 0,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: 3,
      abc: 4,
      'c1a7c2f4-ü-🦊': 4,
    };
    const topic = await createTopic(brokers, 7);
    const keys = Object.keys(partitions);
    const records = await stored(
      open(),
      keys.map((key) => messageTo(topic, key, { key })),
    );
    expect(Object.fromEntries(records.map(({ key, partition }) => [key?.toString(), partition]))).toEqual(partitions);
  });

  it('have no key where the event gives none, and share a partition a batch', async () => {
    const topic = await createTopic(brokers, 7);
    const ids = Array.from({ length: 50 }, (_, index) => `evt_${index}`);
    const records = await stored(
      open(),
      ids.map((id) => messageTo(topic, id)),
    );
    expect(records.map(({ headers }) => headers['castbridge-event-id'])).toEqual(ids);
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set([null]));
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
  });

  it('have bytes for whatever an event has where its key is: a number as a text, nothing for null', async () => {
    const topic = await createTopic(brokers);
    const { open: openConfigured, message } = configured({
      type: 'kafka',
      brokers,
      topic,
      key: 'event.data.key',
      headers: { key: '{event.data.key}' },
    });
    const sink = openConfigured();
    sinks.push(sink);
    const keys = [3, 1.5, true, 'three', null, ''];
    const batch = keys.map((key, index) => message({ id: `evt_${index}`, data: { key } }));
    expect(wordsOf(await sink.send(batch, AbortSignal.timeout(20_000)))).toEqual(keys.map(() => 'delivered'));
    const records = await readTopic(brokers, topic);
    expect(records.map(({ key }) => key?.toString() ?? null)).toEqual(['3', '1.5', 'true', 'three', null, null]);
    expect(records.map(({ headers }) => headers['key'])).toEqual(['3', '1.5', 'true', 'three', '', '']);
  });

  it('keep the order of their key, over many batches at once', async () => {
    const topic = await createTopic(brokers, 3);
    const sink = open();
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 25 }, (_, index) => messageTo(topic, `${index % 5}-${batch * 25 + index}`, { key: `key-${index % 5}` })),
    );
    const outcomes = await Promise.all(batches.map((batch) => send(sink, batch)));
    expect(new Set(wordsOf(outcomes.flat()))).toEqual(new Set(['delivered']));
    const records = await readTopic(brokers, topic);
    expect(records).toHaveLength(500);
    for (const key of new Set(records.map((record) => record.key?.toString()))) {
      const numbers = records
        .filter((record) => record.key?.toString() === key)
        .map(({ headers }) => Number(headers['castbridge-event-id']?.split('-')[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });
});
