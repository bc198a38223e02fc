import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { startBroker, type Broker } from '../kafka/broker.js';
import { startProxy } from '../kafka/proxy.js';
import { messageTo, openSink, send, sendUntilSettled, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic } from '../kafka/topics.js';

describeOwnKafka('the kafka sink, whose broker', () => {
  let broker: Broker;
  let sink: Sink<KafkaContent>;
  let topic: string;
  beforeAll(async () => {
    // A broker that was killed is let in again when its old self has timed out: after 9 s by default.
    broker = await startBroker({ properties: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' } });
    sink = openSink({ brokers: [broker.address] });
  }, START_MS);
  beforeEach(async () => {
    topic = await createTopic([broker.address]);
  });
  afterAll(async () => {
    await sink.close();
    await broker.close();
  });

  const idsIn = async (): Promise<(string | undefined)[]> =>
    (await readTopic([broker.address], topic)).map(({ headers }) => headers['castbridge-event-id']);

  it('T03: is killed before it acknowledges, has delivered nothing; the same sink delivers when it is back', async () => {
    const proxy = await startProxy(broker.address);
    const killed = openSink({ brokers: [proxy.address] });
    const message = messageTo(topic, 'evt_1');
    proxy.script('hold-answer');
    const answered = proxy.nextProduce();
    const sending = send(killed, [message]);
    await answered;
    await broker.kill();
    expect(wordsOf(await sending)).toEqual(['retry connection']);
    expect((await send(killed, [message]))[0]).toMatchObject({ kind: 'retry', holdSink: true });
    await broker.start();
    expect(await sendUntilSettled(killed, message)).toBe('delivered');
    const ids = (await readTopic([broker.address], topic)).map(({ headers }) => headers['castbridge-delivery-id']);
    expect(new Set(ids)).toEqual(new Set([message.deliveryId]));
    await killed.close();
    await proxy.close();
  });

  it('T13: is stopped and started, goes on without being opened anew, and loses nothing', async () => {
    expect(wordsOf(await send(sink, [messageTo(topic, 'before')]))).toEqual(['delivered']);
    await broker.stop();
    expect(wordsOf(await send(sink, [messageTo(topic, 'meanwhile')]))).toEqual(['retry refused']);
    await broker.start();
    expect(await sendUntilSettled(sink, messageTo(topic, 'meanwhile'))).toBe('delivered');
    expect(await sendUntilSettled(sink, messageTo(topic, 'after'))).toBe('delivered');
    expect(await idsIn()).toEqual(['before', 'meanwhile', 'after']);
  });

  it('is frozen, gets no more than one send a partition, and nothing overtakes that one', async () => {
    expect(wordsOf(await send(sink, [messageTo(topic, 'before', { key: 'k' })]))).toEqual(['delivered']);
    await broker.freeze();
    expect(wordsOf(await send(sink, [messageTo(topic, 'first', { key: 'k' })], 300))).toEqual(['retry timeout']);
    expect(wordsOf(await send(sink, [messageTo(topic, 'second', { key: 'k' })], 300))).toEqual(['retry timeout']);
    const third = send(sink, [messageTo(topic, 'third', { key: 'k' })]);
    broker.thaw();
    expect(wordsOf(await third)).toEqual(['delivered']);
    // The first was on its way and was stored late; the second never left.
    expect(await idsIn()).toEqual(['before', 'first', 'third']);
    expect(wordsOf(await send(sink, [messageTo(topic, 'second', { key: 'k' })]))).toEqual(['delivered']);
  });

  it('is frozen for longer than the sink’s own timeout: a retry, stored late; what is sent again has the same delivery id', async () => {
    const impatient = openSink({ brokers: [broker.address] }, undefined, 1_000);
    const message = messageTo(topic, 'evt_1');
    expect(await sendUntilSettled(impatient, messageTo(topic, 'before'))).toBe('delivered');
    await broker.freeze();
    expect(wordsOf(await send(impatient, [message]))).toEqual(['retry timeout']);
    broker.thaw();
    await expect.poll(idsIn).toContain('evt_1');
    expect(await sendUntilSettled(impatient, message)).toBe('delivered');
    const ids = (await readTopic([broker.address], topic)).map(({ headers }) => headers['castbridge-delivery-id']).slice(1);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids)).toEqual(new Set([message.deliveryId]));
    await impatient.close();
  });
});
