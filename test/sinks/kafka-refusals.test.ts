import { logLevel, type Message as KafkaMessage } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { Session } from '../../src/sinks/kafka-session.js';
import { TopicWriter, type Sending } from '../../src/sinks/kafka-topic.js';
import { messageTo, openSink, send, sendUntilSettled, wordsOf } from '../kafka/sink.js';
import { anyBrokers, describeAnyKafka, START_MS } from '../kafka/suite.js';
import { createTopic, deleteTopic, readTopic, unusedTopic } from '../kafka/topics.js';

const KB = 1_000;

describeAnyKafka('what Kafka refuses', () => {
  let brokers: string[];
  let sink: Sink<KafkaContent>;
  beforeAll(async () => {
    brokers = await anyBrokers();
    sink = openSink({ brokers });
  }, START_MS);
  afterAll(() => sink.close());

  const idsIn = async (topic: string): Promise<(string | undefined)[]> =>
    (await readTopic(brokers, topic)).map(({ headers }) => headers['castbridge-event-id']);
  /** What becomes of records that no message makes. */
  const write = async (topic: string, records: readonly KafkaMessage[]): Promise<string[]> => {
    const writer = new TopicWriter(topic, 'none', () => new Session(topic, { brokers, logLevel: logLevel.NOTHING }, 30_000));
    const sendings = records.map((record): Sending => ({ record: { key: null, ...record }, outcome: null }));
    await writer.send(sendings, AbortSignal.timeout(20_000));
    await writer.close();
    return wordsOf(sendings.flatMap(({ outcome }) => outcome ?? []));
  };

  it('T27: a record over the limit is rejected alone, in the middle of its batch; one just under it is delivered', async () => {
    const topic = await createTopic(brokers);
    const sizes = { small: 1, large: 950 * KB, 'too-large': 2_000 * KB, 'large-too': 1_040 * KB, last: 1 };
    const batch = Object.entries(sizes).map(([id, bytes]) => messageTo(topic, id, { body: Buffer.alloc(bytes, 'x') }));
    expect(wordsOf(await send(sink, batch))).toEqual(['delivered', 'delivered', 'rejected message_too_large', 'delivered', 'delivered']);
    expect(await idsIn(topic)).toEqual(['small', 'large', 'large-too', 'last']);
  });

  it('T27: a batch is divided where a topic takes less than others, and its order stays', async () => {
    const topic = await createTopic(brokers, 1, { 'max.message.bytes': String(10 * KB) });
    const ids = Array.from({ length: 30 }, (_, index) => `evt_${index}`);
    const batch = ids.map((id) => messageTo(topic, id, { key: 'one', body: Buffer.alloc(id === 'evt_17' ? 20 * KB : KB) }));
    const words = wordsOf(await send(sink, batch));
    expect(words).toEqual(ids.map((id) => (id === 'evt_17' ? 'rejected message_too_large' : 'delivered')));
    expect(await idsIn(topic)).toEqual(ids.filter((id) => id !== 'evt_17'));
  });

  it('a record without a key on a compacted topic is rejected alone', async () => {
    const topic = await createTopic(brokers, 1, { 'cleanup.policy': 'compact' });
    const batch = [messageTo(topic, 'keyed', { key: 'a' }), messageTo(topic, 'keyless'), messageTo(topic, 'keyed-too', { key: 'b' })];
    expect(wordsOf(await send(sink, batch))).toEqual(['delivered', 'rejected invalid_record', 'delivered']);
    expect(await idsIn(topic)).toEqual(['keyed', 'keyed-too']);
  });

  it('a record whose bytes are none is rejected alone; null has no bytes, and is one', async () => {
    const bytes = Buffer.from('bytes');
    const cases: [string, KafkaMessage][] = [
      // kafkajs throws.
      ['rejected invalid_record', { value: 7 as never }],
      ['rejected invalid_record', { key: 7 as never, value: bytes }],
      ['rejected invalid_record', { value: bytes, headers: { count: 7 as never } }],
      ['rejected invalid_record', { value: { a: 1 } as never }],
      // kafkajs writes "1,2,200", and says that it is three bytes long: the broker refuses it.
      ['rejected invalid_record', { value: Uint8Array.from([1, 2, 200]) as never }],
      ['delivered', { value: null }],
    ];
    for (const [expected, record] of cases) {
      const topic = await createTopic(brokers);
      expect(await write(topic, [{ value: Buffer.from('before') }, record, { value: Buffer.from('after') }])).toEqual([
        'delivered',
        expected,
        'delivered',
      ]);
      const values = (await readTopic(brokers, topic)).map(({ value }) => value?.toString() ?? null);
      expect(values).toEqual(expected === 'delivered' ? ['before', null, 'after'] : ['before', 'after']);
    }
  });

  it.each(['.', '..', 'with space', 'ümlaut', 'x'.repeat(250), 'a/b'])('the broker itself rejects a topic of the name "%s"', async (topic) => {
    expect(await write(topic, [{ value: Buffer.from('a') }])).toEqual(['rejected topic_invalid']);
  });

  it('a topic of a name that is none, and one of Kafka’s own, are rejected beside one that may be written to', async () => {
    const topic = await createTopic(brokers);
    // Reading one makes the other.
    await readTopic(brokers, topic);
    const batch = [messageTo('with space', 'evt_1'), messageTo('__consumer_offsets', 'evt_2'), messageTo(topic, 'evt_3')];
    const outcomes = await send(sink, batch);
    expect(wordsOf(outcomes)).toEqual(['rejected topic_invalid', 'rejected topic_invalid', 'delivered']);
    expect(outcomes[1]?.answer).toContain('INVALID_TOPIC_EXCEPTION');
    expect(await idsIn(topic)).toEqual(['evt_3']);
  });

  it('an unknown topic is a retry within a moment beside one that is there, and works once somebody has created it', async () => {
    const [topic, other] = [unusedTopic(), await createTopic(brokers)];
    const message = messageTo(topic, 'evt_1');
    const outcomes = await send(sink, [message, messageTo(other, 'evt_2')], 3_000);
    expect(outcomes).toMatchObject([{ kind: 'retry', reason: 'unknown_topic_or_partition', holdSink: false }, { kind: 'delivered' }]);
    await createTopic(brokers, 1, {}, topic);
    expect(await sendUntilSettled(sink, message)).toBe('delivered');
    expect(await idsIn(topic)).toEqual(['evt_1']);
  });

  it('a topic that was deleted is a retry, and spoils no other topic of the sink', async () => {
    const [deleted, other] = [await createTopic(brokers), await createTopic(brokers)];
    const batch = [messageTo(deleted, 'evt_1'), messageTo(other, 'evt_2')];
    expect(wordsOf(await send(sink, batch))).toEqual(['delivered', 'delivered']);
    await deleteTopic(brokers, deleted);
    for (let time = 0; time < 3; time++) {
      expect(wordsOf(await send(sink, batch))).toEqual(['retry unknown_topic_or_partition', 'delivered']);
    }
  });

  it('a topic that comes back with fewer partitions is written to as it is now', async () => {
    const topic = await createTopic(brokers, 7);
    const message = messageTo(topic, 'evt_1', { key: 'abc' });
    expect(wordsOf(await send(sink, [message]))).toEqual(['delivered']);
    await deleteTopic(brokers, topic);
    await expect.poll(() => createTopic(brokers, 2, {}, topic).catch(() => null)).toBe(topic);
    expect(await sendUntilSettled(sink, message)).toBe('delivered');
    expect(await idsIn(topic)).toEqual(['evt_1']);
  });
});

describe('what the kafka sink refuses itself', () => {
  // Nobody listens there: an attempt to connect would be a retry.
  const brokers = ['127.0.0.1:1'];

  it.each(['', '.', '..', 'with space', 'ümlaut', 'x'.repeat(250), 'a/b'])('a topic of the name "%s" is rejected', async (topic) => {
    expect(wordsOf(await send(openSink({ brokers }), [messageTo(topic, 'evt_1')]))).toEqual(['rejected topic_invalid']);
  });

  it('T50: a topic that is not in `topics` is rejected, and spoils none that is', async () => {
    const sink = openSink({ brokers, topics: ['allowed'] });
    const outcomes = wordsOf(await send(sink, [messageTo('other', 'evt_1'), messageTo('allowed', 'evt_2')]));
    expect(outcomes).toEqual(['rejected topic_not_allowed', 'retry refused']);
    await sink.close();
  });

  it('what goes wrong before anything is sent rejects no record, whatever it looks like', async () => {
    const failed = Promise.reject(Object.assign(new TypeError('not of type string'), { code: 'ERR_INVALID_ARG_TYPE' }));
    const session = { usable: true, partitions: () => failed, end: () => Promise.resolve() } as unknown as Session;
    const sending: Sending = { record: { key: null, value: Buffer.from('a') }, outcome: null };
    await new TopicWriter('topic', 'none', () => session).send([sending], AbortSignal.timeout(20_000));
    expect(sending.outcome).toMatchObject({ kind: 'retry', reason: 'connection', holdSink: true });
  });

  it('a thousand topics are enough for one sink', async () => {
    const sink = openSink({ brokers });
    const batch = Array.from({ length: 1_002 }, (_, index) => messageTo(`topic-${index}`, `evt_${index}`));
    const outcomes = await sink.send(batch, AbortSignal.abort());
    expect(wordsOf(outcomes).slice(998)).toEqual(['retry timeout', 'retry timeout', 'rejected too_many_topics', 'rejected too_many_topics']);
    await sink.close();
  });
});
