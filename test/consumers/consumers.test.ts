import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../e2e/serve.js';
import { OFFSET_COMMIT, startProxy, type Proxy } from '../kafka/proxy.js';
import { messageTo, openSink, send, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, withAdmin } from '../kafka/topics.js';
import { compiles, fails, LANGUAGES, startConsumer, type Running } from './consumer.js';

for (const { name, missing } of LANGUAGES) if (missing !== null) console.error(`\nTHE CONSUMER IN ${name} IS NOT RUN: ${missing}\n`);

describe.skipIf(fails('python3', '--version'))('the consumer in Python', () => {
  it('is right in its syntax', () => {
    expect(compiles('consumer.py')).toBe(true);
    expect(compiles('consumer.mjs')).toBe(false);
  });
});

/** How long the group waits for a member that was killed; one that is alive says so three times as often, also on a machine that is busy. */
const SESSION_MS = '10000';

describeOwnKafka('the consumers of docs/consuming.md', () => {
  let [address, topic] = ['', ''];
  let [toBroker, toProxy]: Proxy[] = [];
  let running: Running[] = [];
  beforeEach(async () => {
    address = await ownBroker();
    topic = await createTopic([address]);
    [toBroker, toProxy] = [await startProxy(address), await startProxy(address)];
  }, START_MS);
  afterEach(async () => {
    for (const consumer of running) await consumer.kill();
    running = [];
    await Promise.all([toBroker?.close(), toProxy?.close()]);
  });

  it.each(LANGUAGES.filter(({ missing }) => missing === null))(
    '$name: each delivery is handled once, however often it was sent; a crash before the commit has it handled again, and none is left out',
    async (language) => {
      const env = { KAFKA_BROKERS: toProxy?.address ?? '', KAFKA_TOPIC: topic, KAFKA_GROUP: randomUUID(), KAFKA_SESSION_MS: SESSION_MS };
      const start = async (): Promise<Running> => {
        const consumer = await startConsumer(language, env);
        running.push(consumer);
        return consumer;
      };
      const during = (consumer: Running, fact: () => boolean | Promise<boolean>) =>
        until(() => {
          consumer.alive();
          return fact();
        });
      const handles = (consumer: Running, id: string) => during(consumer, () => consumer.handled().includes(`delivery-of-${id}`));

      // The bridge sends again what it got no answer for: the first time it was stored, too.
      toBroker?.script('lose-answer');
      await deliver('a', 'b', 'c');
      await deliver('b', 'd');
      expect((await readTopic([address], topic)).length).toBe(8);
      const first = await start();
      await handles(first, 'd');
      await during(first, async () => (await committed(env.KAFKA_GROUP)) === 8);
      expect(first.handled()).toEqual(['a', 'b', 'c', 'd'].map((id) => `delivery-of-${id}`));

      toProxy?.withhold(OFFSET_COMMIT);
      await deliver('e', 'f');
      await during(first, () => (toProxy?.withheld ?? 0) > 0);
      await first.kill();
      expect(first.handled().slice(0, 5)).toEqual(['a', 'b', 'c', 'd', 'e'].map((id) => `delivery-of-${id}`));
      toProxy?.withhold(null);

      await deliver('g');
      const second = await start();
      await handles(second, 'g');
      expect(second.handled()).toEqual(['e', 'f', 'g'].map((id) => `delivery-of-${id}`));
    },
    240_000,
  );

  /** Sends until nothing is to be sent again, as the bridge does. */
  async function deliver(...ids: readonly string[]): Promise<void> {
    const sink = openSink({ brokers: [toBroker?.address ?? ''] });
    const messages = ids.map((id) => messageTo(topic, id, { key: 'one' }));
    while (wordsOf(await send(sink, messages)).some((word) => word !== 'delivered'));
    await sink.close();
  }

  /** How far the group is, of the one partition. */
  function committed(groupId: string): Promise<number> {
    return withAdmin([address], async (admin) => Number((await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions[0]?.offset));
  }
});
