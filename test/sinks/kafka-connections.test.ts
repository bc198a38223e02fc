import { CompressionTypes, logLevel } from 'kafkajs';
import { createHook } from 'node:async_hooks';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Message, Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { Session } from '../../src/sinks/kafka-session.js';
import { TopicWriter, type Sending } from '../../src/sinks/kafka-topic.js';
import { startProxy, type Proxy } from '../kafka/proxy.js';
import { messageTo, openSink, send, sendUntilSettled, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { allLed, createTopic, readTopic, withAdmin } from '../kafka/topics.js';

/** Keys whose partitions are 0 and 1, of two. */
const KEYS = ['21', 'abc'] as const;

describeOwnKafka('the connections of the kafka sink', () => {
  let address: string;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeAll(async () => {
    address = await ownBroker();
  }, START_MS);
  afterEach(async () => {
    vi.useRealTimers();
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  const stand = async (partitions = 1): Promise<{ proxy: Proxy; sink: Sink<KafkaContent>; topic: string }> => {
    const proxy = await startProxy(address);
    const sink = openSink({ brokers: [proxy.address] });
    opened.push(proxy, sink);
    return { proxy, sink, topic: await createTopic([address], partitions) };
  };
  const onePerPartition = (topic: string): Message<KafkaContent>[] => KEYS.map((key) => messageTo(topic, `for ${key}`, { key }));
  /** A writer whose limits are short. */
  const writerTo = (proxy: Proxy, topic: string, limits: { idleMs?: number; connectionTimeout?: number; timeoutMs?: number }): TopicWriter => {
    const { idleMs, timeoutMs = 30_000, ...config } = limits;
    const writer = new TopicWriter(
      topic,
      'none',
      () => new Session(topic, { brokers: [proxy.address], logLevel: logLevel.NOTHING, ...config }, timeoutMs),
      idleMs,
    );
    opened.push(writer);
    return writer;
  };
  const write = async (writer: TopicWriter, value: string): Promise<string[]> => {
    const sending: Sending = { record: { key: null, value: Buffer.from(value) }, outcome: null };
    const signal = AbortSignal.timeout(20_000);
    await writer.send([sending], signal);
    return sending.outcome === null || signal.aborted ? ['too late'] : wordsOf([sending.outcome]);
  };
  /** Timers that kafkajs sets: `running` are those that have neither fired nor been cleared. */
  const watchTimers = (): { readonly running: ReadonlySet<number>; readonly set: () => number } => {
    const running = new Set<number>();
    let set = 0;
    const hook = createHook({
      init(id, type) {
        if (type !== 'Timeout' || !/node_modules.kafkajs/.test(new Error().stack ?? '')) return;
        running.add(id);
        set += 1;
      },
      destroy: (id) => void running.delete(id),
    }).enable();
    opened.push({ close: () => Promise.resolve(hook.disable()) });
    return { running, set: () => set };
  };

  it('are one for all that is sent at once', async () => {
    const { proxy, sink, topic } = await stand();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => send(sink, [messageTo(topic, `evt_${index}`)])));
    expect(new Set(wordsOf(outcomes.flat()))).toEqual(new Set(['delivered']));
    expect(proxy.accepted).toBe(1);
  });

  it('are closed when nothing was sent for a while, with every timer, and opened again for the next record', async () => {
    const { proxy, topic } = await stand();
    const timers = watchTimers();
    const writer = writerTo(proxy, topic, { idleMs: 20 });
    expect(await write(writer, 'a')).toEqual(['delivered']);
    await expect.poll(() => proxy.connections).toBe(0);
    await expect.poll(() => timers.running.size).toBe(0);
    expect(timers.set()).toBeGreaterThan(0);
    expect(await write(writer, 'b')).toEqual(['delivered']);
  });

  it('are as few as ever after many faults', async () => {
    const { proxy, sink, topic } = await stand(2);
    for (let time = 0; time < 10; time++) {
      proxy.script(time % 2 === 0 ? 'lose-answer' : 'drop-request');
      await send(sink, onePerPartition(topic));
    }
    expect(wordsOf(await send(sink, onePerPartition(topic)))).toEqual(['delivered', 'delivered']);
    await expect.poll(() => proxy.connections).toBe(1);
  });

  it('are none after close, also of a sink that has just failed', async () => {
    const { proxy, sink, topic } = await stand();
    proxy.script('lose-answer');
    await send(sink, [messageTo(topic, 'evt_1')]);
    await send(sink, [messageTo(topic, 'evt_2')]);
    await sink.close();
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('are cut by close where a send still hangs, which is then a retry', async () => {
    const { proxy, sink, topic } = await stand();
    proxy.script('no-answer');
    const produced = proxy.nextProduce();
    const [first, second] = [send(sink, [messageTo(topic, 'evt_1')]), send(sink, [messageTo(topic, 'evt_2')])];
    await produced;
    await sink.close();
    expect(await first).toMatchObject([{ kind: 'retry', reason: 'connection', answer: expect.stringContaining('the sink is closed') as string }]);
    // It waited for its turn, and must not connect any more.
    expect(wordsOf(await second)).toEqual(['retry timeout']);
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('are cut by close where they never came about', async () => {
    const { proxy, sink, topic } = await stand();
    await proxy.hang();
    expect(wordsOf(await send(sink, [messageTo(topic, 'evt_1')], 50))).toEqual(['retry timeout']);
    await sink.close();
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('that the broker closes while nobody sends cost no attempt', async () => {
    const { proxy, sink, topic } = await stand();
    expect(wordsOf(await send(sink, [messageTo(topic, 'evt_1')]))).toEqual(['delivered']);
    await proxy.goAway();
    await proxy.comeBack();
    await readTopic([address], topic);
    expect(wordsOf(await send(sink, [messageTo(topic, 'evt_2')]))).toEqual(['delivered']);
  });

  it('that close as soon as they are accepted are a retry within a moment', async () => {
    const proxy = await startProxy('127.0.0.1:1');
    const sink = openSink({ brokers: [proxy.address] });
    opened.push(proxy, sink);
    const [outcome] = await send(sink, [messageTo('any', 'evt_1')], 5_000);
    expect(outcome).toMatchObject({ kind: 'retry', reason: 'connection', holdSink: true });
  });

  it('are given up where the broker accepts them and then says nothing, and tried anew for the next record', async () => {
    const { proxy, topic } = await stand();
    const writer = writerTo(proxy, topic, { connectionTimeout: 200 });
    await proxy.hang();
    expect(await write(writer, 'a')).toEqual(['retry timeout']);
    await expect.poll(() => proxy.connections).toBe(0);
    await proxy.comeBack();
    expect(await write(writer, 'b')).toEqual(['delivered']);
  });

  it('begin with another broker of the list where one cannot be reached', async () => {
    const topic = await createTopic([address]);
    const sink = openSink({ brokers: ['127.0.0.1:1', '127.0.0.1:2', address] });
    opened.push(sink);
    expect(await sendUntilSettled(sink, messageTo(topic, 'evt_1'))).toBe('delivered');
  });

  it('wait no longer for an answer than the sink’s timeout, and the next record gets one', async () => {
    const { proxy, topic } = await stand();
    const writer = writerTo(proxy, topic, { timeoutMs: 3_000 });
    expect(await write(writer, 'a')).toEqual(['delivered']);
    proxy.script('no-answer');
    expect(await write(writer, 'b')).toEqual(['retry timeout']);
    expect(await write(writer, 'c')).toEqual(['delivered']);
    expect(proxy.produced).toBe(3);
  });

  it('are cut when a send takes too long as a whole, whatever its parts may take', async () => {
    const { proxy, topic } = await stand();
    const session = new Session(topic, { brokers: [proxy.address], logLevel: logLevel.NOTHING, requestTimeout: 60_000 }, 500);
    opened.push({ close: () => session.end() });
    await session.partitions();
    proxy.script('no-answer');
    const late = { code: 'ETIMEDOUT', message: 'no answer within 0.5 s' };
    await expect(session.send([{ value: 'a', partition: 0 }], CompressionTypes.None)).rejects.toMatchObject(late);
    expect(session.usable).toBe(false);
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('of one leader that fail hold up no other: the sink is held where no new ones can be opened', async () => {
    const { proxy, sink, topic } = await stand();
    proxy.script('lose-answer');
    expect(await send(sink, [messageTo(topic, 'evt_1')])).toMatchObject([{ kind: 'retry', reason: 'connection', holdSink: false }]);
    await proxy.goAway();
    expect(await send(sink, [messageTo(topic, 'evt_1')])).toMatchObject([{ kind: 'retry', reason: 'refused', holdSink: true }]);
  });

  it('end with the signal: what was confirmed by then is delivered, the rest may be sent again', async () => {
    const { proxy, sink, topic } = await stand(2);
    await send(sink, onePerPartition(topic));
    proxy.script('hold-answer');
    const held = proxy.nextProduce();
    const ending = new AbortController();
    const sending = sink.send(onePerPartition(topic), ending.signal);
    await held;
    // The answer to the other partition: the broker answers in order, but for what is held.
    await expect.poll(() => proxy.produced).toBe(4);
    await readTopic([address], topic);
    ending.abort();
    expect(wordsOf(await sending).toSorted()).toEqual(['delivered', 'retry timeout']);
  });

  it('T03: ask for the acknowledgement of every replica that is in sync', async () => {
    const { proxy, sink, topic } = await stand(2);
    expect(wordsOf(await send(sink, onePerPartition(topic)))).toEqual(['delivered', 'delivered']);
    expect([...proxy.acks]).toEqual([-1]);
  });

  it('T25: carry one send a partition at a time, so that nothing overtakes what has no answer yet', async () => {
    const { proxy, sink, topic } = await stand(2);
    await send(sink, onePerPartition(topic));
    proxy.script('hold-answer');
    const held = proxy.nextProduce();
    const first = sink.send([messageTo(topic, 'first', { key: KEYS[0] })], AbortSignal.timeout(20_000));
    await held;
    const second = send(sink, [messageTo(topic, 'second', { key: KEYS[0] })]);
    // Another partition does not wait for it.
    expect(wordsOf(await send(sink, [messageTo(topic, 'other', { key: KEYS[1] })]))).toEqual(['delivered']);
    expect(proxy.produced).toBe(4);
    proxy.release();
    expect(wordsOf([...(await first), ...(await second)])).toEqual(['delivered', 'delivered']);
    expect(proxy.produced).toBe(5);
  });

  it('T25: carry nothing of a partition behind a part that failed', async () => {
    const { proxy, sink, topic } = await stand();
    const batch = ['a', 'b', 'c'].map((id) => messageTo(topic, id, { body: Buffer.alloc(600_000) }));
    proxy.script('drop-request');
    expect(wordsOf(await send(sink, batch))).toEqual(['retry connection', 'retry connection', 'retry connection']);
    expect(proxy.produced).toBe(1);
    expect(wordsOf(await send(sink, batch))).toEqual(['delivered', 'delivered', 'delivered']);
    expect(proxy.produced).toBe(4);
  });

  it('know within five minutes of partitions that were added', async () => {
    const { sink, topic } = await stand();
    expect(wordsOf(await send(sink, onePerPartition(topic)))).toEqual(['delivered', 'delivered']);
    await withAdmin([address], async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
      await allLed(admin, topic);
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 301_000 });
    // The first send learns of it.
    for (let time = 0; time < 2; time++) expect(wordsOf(await send(sink, onePerPartition(topic)))).toEqual(['delivered', 'delivered']);
    vi.useRealTimers();
    expect((await readTopic([address], topic)).map(({ partition }) => partition)).toEqual([0, 0, 0, 0, 0, 1]);
  });
});
