import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { startCluster, type Broker } from '../kafka/broker.js';
import { messageTo, openSink, send, sendUntilSettled, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopicOn, readTopic, withAdmin } from '../kafka/topics.js';

/** Keys whose partitions are 0 and 1, of two. */
const KEYS = ['21', 'abc'] as const;

describeOwnKafka('the kafka sink and three brokers, of which one', () => {
  let cluster: Broker[];
  let brokers: string[];
  let third: Broker;
  const sinks: Sink<KafkaContent>[] = [];
  beforeAll(async () => {
    cluster = await startCluster(3);
    brokers = cluster.map(({ address }) => address);
    [, , third] = cluster as [Broker, Broker, Broker];
  }, START_MS);
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
  });
  afterAll(() => Promise.all(cluster.map((broker) => broker.close())));

  const open = (timeoutMs?: number): Sink<KafkaContent> => {
    // Begins with brokers that stay.
    const sink = openSink({ brokers: brokers.slice(0, 2) }, undefined, timeoutMs);
    sinks.push(sink);
    return sink;
  };
  const headersIn = async (topic: string, name: string): Promise<(string | undefined)[]> =>
    (await readTopic(brokers, topic)).map(({ headers }) => headers[name]);

  it('has handed over a partition: its refusal is a retry of that partition alone, and the same sink finds the new leader', async () => {
    const topic = await createTopicOn(brokers, [[1], [2]]);
    const sink = open();
    const sent: string[] = [];
    const batch = (id: string) => KEYS.map((key) => messageTo(topic, `${id} for ${key}`, { key }));
    const sendBatch = async (id: string): Promise<string[]> => {
      sent.push(...batch(id).map(({ event }) => event.id));
      return wordsOf(await send(sink, batch(id)));
    };
    expect(await sendBatch('before')).toEqual(['delivered', 'delivered']);
    const partitionAssignment = [{ partition: 1, replicas: [1] }];
    await withAdmin(brokers, (admin) => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] }));
    // The sink asks the old leader for minutes to come; that one leads until it has handed over.
    let words = ['delivered', 'delivered'];
    let time = 0;
    while (words[1] === 'delivered') words = await sendBatch(`${++time}`);
    expect(words).toEqual(['delivered', 'retry not_leader_for_partition']);
    for (const message of batch(`${time}`).slice(1)) expect(await sendUntilSettled(sink, message)).toBe('delivered');
    // None is missing. What was refused may be there twice: the old leader had it written when it stopped leading.
    expect(new Set(await headersIn(topic, 'castbridge-event-id'))).toEqual(new Set(sent));
  });

  it('is gone: no leader and too few replicas are retries, beside a topic that has both; the same sink goes on when it is back', async () => {
    const [few, leaderless, whole] = [
      await createTopicOn(brokers, [[1, 3]], { 'min.insync.replicas': '2' }),
      await createTopicOn(brokers, [[1], [3]]),
      await createTopicOn(brokers, [[1]]),
    ];
    const sink = open();
    const batch = (id: string) => [
      messageTo(few, id),
      ...KEYS.map((key) => messageTo(leaderless, `${id} for ${key}`, { key })),
      messageTo(whole, id),
    ];
    expect(wordsOf(await send(sink, batch('before')))).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
    await third.stop();
    for (const id of ['first', 'second']) {
      expect(await send(sink, batch(id))).toMatchObject([
        { kind: 'retry', reason: 'not_enough_replicas', holdSink: false },
        // kafkajs learns nothing of a topic of which one partition has no leader: the others wait with it.
        { kind: 'retry', reason: 'leader_not_available', holdSink: false },
        { kind: 'retry', reason: 'leader_not_available', holdSink: false },
        { kind: 'delivered' },
      ]);
    }
    await third.start();
    for (const message of batch('after')) expect(await sendUntilSettled(sink, message)).toBe('delivered');
    expect(await headersIn(few, 'castbridge-event-id')).toEqual(['before', 'after']);
    expect(await headersIn(leaderless, 'castbridge-event-id')).toEqual(KEYS.flatMap((key) => [`before for ${key}`, `after for ${key}`]));
    expect(await headersIn(whole, 'castbridge-event-id')).toEqual(['before', 'first', 'second', 'after']);
  }, 90_000);

  it('is a replica that is frozen: a retry when the time is up, and stored all the same; what is sent again has the same delivery id', async () => {
    const topic = await createTopicOn(brokers, [[1, 3]]);
    const [other, message] = [await createTopicOn(brokers, [[1]]), messageTo(topic, 'evt_1')];
    const sink = open(6_000);
    expect(wordsOf(await send(sink, [messageTo(topic, 'before'), messageTo(other, 'before')]))).toEqual(['delivered', 'delivered']);
    await third.freeze();
    const [frozen, beside] = wordsOf(await send(sink, [message, messageTo(other, 'evt_2')]));
    third.thaw();
    expect(beside).toBe('delivered');
    // The broker says so, unless it is too slow even for that.
    expect(['retry request_timed_out', 'retry timeout']).toContain(frozen);
    expect(await sendUntilSettled(sink, message)).toBe('delivered');
    const ids = (await headersIn(topic, 'castbridge-delivery-id')).slice(1);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids)).toEqual(new Set([message.deliveryId]));
  });
});
