import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startSecureBroker, WAYS, type Rule, type SecureBroker, type Way } from '../kafka/secure-broker.js';
import { messageTo, openSink, send, wordsOf } from '../kafka/sink.js';
import { describeOwnKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, unusedTopic } from '../kafka/topics.js';

const DENIED = 'retry topic_authorization_failed';

describeOwnKafka('the kafka sink and a broker where nobody may do what no rule allows', () => {
  let broker: SecureBroker;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeAll(async () => {
    broker = await startSecureBroker();
  }, START_MS);
  afterAll(() => broker.close());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  /** A sink, and two topics; it may write to the second. */
  const stand = async (way: Way) => {
    const sink = openSink(broker.configOf(way));
    opened.push(sink);
    const [topic, open] = [await createTopic(broker.brokers), await createTopic(broker.brokers)];
    await broker.add({ principal: way.principal, topic: open, may: 'write' });
    const rule = (may: Rule['may'], denied = false): Rule => ({ principal: way.principal, topic, may, denied });
    const outcomes = (id: string) => send(sink, [messageTo(topic, id), messageTo(open, id)]);
    const idsIn = async (name: string): Promise<(string | undefined)[]> =>
      (await readTopic(broker.brokers, name)).map(({ headers }) => headers['castbridge-event-id']);
    return {
      rule,
      /** What becomes of one record for each topic, sent as one batch. */
      words: async (id: string) => wordsOf(await outcomes(id)),
      outcomes,
      stored: async () => [await idsIn(topic), await idsIn(open)],
    };
  };

  it.each(WAYS)(
    '$listener, $mechanism: a topic it may not write to is a retry beside one that it may; the same sink goes on once it may',
    async (way) => {
      const { rule, words, outcomes, stored } = await stand(way);
      expect(await outcomes('unknown')).toMatchObject([
        { kind: 'retry', reason: 'topic_authorization_failed', holdSink: false },
        { kind: 'delivered' },
      ]);
      // The broker tells it of the topic, and refuses the record.
      await broker.add(rule('know'));
      expect(await words('known')).toEqual([DENIED, 'delivered']);
      await broker.add(rule('write'));
      expect(await words('allowed')).toEqual(['delivered', 'delivered']);
      expect(await stored()).toEqual([['allowed'], ['unknown', 'known', 'allowed']]);
    },
  );

  it.each(WAYS.filter(({ listener }) => listener === 'BOTH' || listener === 'CLIENTS'))(
    '$listener, $mechanism: what it may no longer do is a retry, and it goes on once it may again',
    async (way) => {
      const { rule, words, stored } = await stand(way);
      await broker.add(rule('write'));
      expect(await words('allowed')).toEqual(['delivered', 'delivered']);
      await broker.remove(rule('write'));
      expect(await words('taken-back')).toEqual([DENIED, 'delivered']);
      await broker.add(rule('write'), rule('write', true));
      expect(await words('denied')).toEqual([DENIED, 'delivered']);
      await broker.remove(rule('write', true));
      expect(await words('again')).toEqual(['delivered', 'delivered']);
      expect(await stored()).toEqual([
        ['allowed', 'again'],
        ['allowed', 'taken-back', 'denied', 'again'],
      ]);
    },
  );

  it('a topic that is not there, and that it may not know of, is denied too', async () => {
    for (const way of WAYS) {
      const sink = openSink(broker.configOf(way));
      opened.push(sink);
      expect(wordsOf(await send(sink, [messageTo(unusedTopic(), 'evt_1')]))).toEqual([DENIED]);
    }
  });
});
