import { Kafka, logLevel, Partitioners, type Producer, type ProducerConfig, type RetryOptions } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sink } from '../../src/core/sink.js';
import { Session } from '../../src/sinks/kafka-session.js';
import { TopicWriter, type Sending } from '../../src/sinks/kafka-topic.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { startCluster, type Broker } from '../kafka/broker.js';
import { INIT_PRODUCER_ID, startProxies, startProxy, type Proxy } from '../kafka/proxy.js';
import { messageTo, openSink, send, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { allLed, createTopic, createTopicOn, readTopic, withAdmin } from '../kafka/topics.js';

/** What kafkajs does unless it is told otherwise. Spelled out: it has other defaults where NODE_ENV is "test". */
const DEFAULTS: RetryOptions = { maxRetryTime: 30_000, initialRetryTime: 300, factor: 0.2, multiplier: 2, retries: 5 };

describeOwnKafka('kafkajs as everybody uses it, and the sink, under the same fault', () => {
  let address: string;
  let proxy: Proxy;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeAll(async () => {
    address = await ownBroker();
  }, START_MS);
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  const stand = async (): Promise<void> => {
    proxy = await startProxy(address);
    opened.push(proxy);
  };
  const naive = async (config: ProducerConfig = {}, brokers = [proxy.address]): Promise<Producer> => {
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: DEFAULTS });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...config });
    await producer.connect();
    opened.push({ close: () => producer.disconnect() });
    return producer;
  };
  const sinkTo = (brokers = [proxy.address]): Sink<KafkaContent> => {
    const sink = openSink({ brokers });
    opened.push(sink);
    return sink;
  };
  const idsIn = async (topic: string, brokers = [address]): Promise<(string | undefined)[]> =>
    (await readTopic(brokers, topic)).map(({ headers, value }) => headers['castbridge-event-id'] ?? value?.toString());

  describe('an answer that was lost', () => {
    it('kafkajs: writes the record twice, says OK once, and nothing tells the two apart', async () => {
      await stand();
      const topic = await createTopic([address]);
      const producer = await naive();
      proxy.script('lose-answer');
      expect(await producer.send({ topic, messages: [{ value: 'a' }] })).toMatchObject([{ errorCode: 0 }]);
      expect(await idsIn(topic)).toEqual(['a', 'a']);
    });

    it('the sink: a retry; the record that comes twice has the same delivery id', async () => {
      await stand();
      const topic = await createTopic([address]);
      const sink = sinkTo();
      const message = messageTo(topic, 'a');
      proxy.script('lose-answer');
      expect(wordsOf(await send(sink, [message]))).toEqual(['retry connection']);
      expect(proxy.produced).toBe(1);
      expect(wordsOf(await send(sink, [message]))).toEqual(['delivered']);
      const ids = (await readTopic([address], topic)).map(({ headers }) => headers['castbridge-delivery-id']);
      expect(ids).toEqual([message.deliveryId, message.deliveryId]);
    });
  });

  describe('a request that never reached the broker', () => {
    it('the sink: a retry, sent once, and not in the topic', async () => {
      await stand();
      const topic = await createTopic([address]);
      proxy.script('drop-request');
      expect(wordsOf(await send(sinkTo(), [messageTo(topic, 'a'), messageTo(topic, 'b')]))).toEqual(['retry connection', 'retry connection']);
      expect(proxy.produced).toBe(1);
      expect(await idsIn(topic)).toEqual([]);
    });
  });

  describe('a partition that is not there', () => {
    it('kafkajs: says OK with an empty list, and writes nothing', async () => {
      await stand();
      const topic = await createTopic([address], 3);
      const producer = await naive();
      expect(await producer.send({ topic, messages: [{ value: 'a', partition: 99 }] })).toEqual([]);
      expect(proxy.produced).toBe(0);
      expect(await idsIn(topic)).toEqual([]);
    });

    it('the sink: a retry, unconfirmed, which does not touch what is on its way to another partition', async () => {
      await stand();
      const topic = await createTopic([address], 3);
      // It believes in a hundred partitions, as it would while a topic is created anew.
      const writer = new TopicWriter(topic, 'none', () => {
        const session = new Session(topic, { brokers: [proxy.address], logLevel: logLevel.NOTHING }, 30_000);
        const hundred = session.partitions().then(([first]) => Array.from({ length: 100 }, (_, partitionId) => ({ ...first, partitionId })));
        return Object.defineProperty(session, 'partitions', { value: () => hundred });
      });
      opened.push(writer);
      const to = (key: string): Sending => ({ record: { key: Buffer.from(key), value: Buffer.from(key) }, outcome: null });
      const [there, nowhere] = [to('key-2'), to('21')];
      proxy.script('hold-answer');
      const held = proxy.nextProduce();
      const sending = writer.send([there, nowhere], AbortSignal.timeout(20_000));
      await expect.poll(() => nowhere.outcome).toMatchObject({ kind: 'retry', reason: 'unconfirmed' });
      expect([there.record.partition, nowhere.record.partition]).toEqual([2, 40]);
      await held;
      expect(there.outcome).toBeNull();
      proxy.release();
      await sending;
      expect(there.outcome).toMatchObject({ kind: 'delivered' });
      expect(await idsIn(topic)).toEqual(['key-2']);
    });
  });

  describe('two answers that were lost, and then another batch', () => {
    it('kafkajs, idempotent: says OK for a record that is not in the topic', async () => {
      await stand();
      const topic = await createTopic([address]);
      // Fewer retries than by default, so that two lost answers are enough.
      const producer = await naive({ idempotent: true, maxInFlightRequests: 1, retry: { ...DEFAULTS, retries: 1 } });
      proxy.script('lose-answer', 'lose-answer');
      await expect(producer.send({ topic, messages: [{ value: 'a' }] })).rejects.toThrow();
      expect(await producer.send({ topic, messages: [{ value: 'b' }] })).toMatchObject([{ errorCode: 0 }]);
      expect(await idsIn(topic)).toEqual(['a']);
      expect(proxy.apis).toContain(INIT_PRODUCER_ID);
    });

    it('the sink: each that it calls delivered is in the topic', async () => {
      await stand();
      const topic = await createTopic([address]);
      const sink = sinkTo();
      proxy.script('lose-answer', 'lose-answer');
      expect(wordsOf(await send(sink, [messageTo(topic, 'a')]))).toEqual(['retry connection']);
      expect(wordsOf(await send(sink, [messageTo(topic, 'a')]))).toEqual(['retry connection']);
      expect(wordsOf(await send(sink, [messageTo(topic, 'b')]))).toEqual(['delivered']);
      expect(wordsOf(await send(sink, [messageTo(topic, 'a')]))).toEqual(['delivered']);
      expect(await idsIn(topic)).toEqual(['a', 'a', 'b', 'a']);
      expect(proxy.apis).not.toContain(INIT_PRODUCER_ID);
    });
  });

  describe('a leader that moves while a batch for two brokers is on its way', () => {
    let cluster: Broker[];
    let brokers: string[];
    beforeAll(async () => {
      cluster = await startCluster(2);
      brokers = cluster.map(({ address }) => address);
    }, START_MS);
    afterAll(() => Promise.all(cluster.map((broker) => broker.close())));

    /** A topic whose partition 0 is led by the first broker, and partition 1 by the second; a proxy before each. */
    const spread = async (): Promise<{ topic: string; first: Proxy; second: Proxy }> => {
      const [first, second] = await startProxies(brokers);
      if (first === undefined || second === undefined) throw new Error('there is a proxy for each broker');
      opened.push(first, second);
      return { topic: await createTopicOn(brokers, [[1], [2]]), first, second };
    };
    /** The first broker takes over what the second has just been asked to write, and the second is gone. */
    const move = async (topic: string, second: Proxy, requested: Promise<void>): Promise<void> => {
      await requested;
      const partitionAssignment = [{ partition: 1, replicas: [1] }];
      await withAdmin(brokers, (admin) => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] }));
      await expect.poll(() => leaderOf(brokers, topic, 1)).toBe(1);
      await withAdmin(brokers, (admin) => allLed(admin, topic));
      await second.goAway();
    };

    it('kafkajs: says OK, and a record is not in the topic', async () => {
      const { topic, first, second } = await spread();
      const producer = await naive({}, [first.address]);
      second.script('hold-request');
      const requested = second.nextProduce();
      const sending = producer.send({ topic, messages: [0, 1].map((partition) => ({ value: `for ${partition}`, partition })) });
      await move(topic, second, requested);
      // What it answers is the answer of the first broker to the first try.
      expect(await sending).toMatchObject([{ partition: 0, errorCode: 0 }]);
      expect(await idsIn(topic, brokers)).toEqual(['for 0']);
    });

    it('the sink: a retry for that record alone, and then it is there', async () => {
      const { topic, first, second } = await spread();
      const sink = sinkTo([first.address]);
      second.script('hold-request');
      const requested = second.nextProduce();
      // Keys of which one lies in each of two partitions.
      const batch = [messageTo(topic, 'for 0', { key: '21' }), messageTo(topic, 'for 1', { key: 'abc' })];
      const sending = send(sink, batch);
      await move(topic, second, requested);
      expect(wordsOf(await sending)).toEqual(['delivered', 'retry connection']);
      expect(await idsIn(topic, brokers)).toEqual(['for 0']);
      expect(wordsOf(await send(sink, batch.slice(1)))).toEqual(['delivered']);
      expect(await idsIn(topic, brokers)).toEqual(['for 0', 'for 1']);
    });
  });
});

async function leaderOf(brokers: string[], topic: string, partition: number): Promise<number | undefined> {
  const { topics } = await withAdmin(brokers, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
  return topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader;
}
