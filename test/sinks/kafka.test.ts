import { beforeAll, expect, it } from 'vitest';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { startProxy } from '../kafka/proxy.js';
import { createTopic, tapTopic } from '../kafka/topics.js';
import { sinkContract } from '../contract/sink.js';

describeOwnKafka('kafka', () => {
  let address: string;
  beforeAll(async () => {
    address = await ownBroker();
  }, START_MS);

  sinkContract('kafka', async () => {
    const proxy = await startProxy(address);
    const topic = await createTopic([address], 3);
    const tap = await tapTopic([address], topic);
    return {
      config: { type: 'kafka', brokers: [proxy.address], topic, key: 'event.cluster.id' },
      secrets: [],
      async arrived() {
        return (await tap.records()).map(({ headers, value }) => ({
          eventId: headers['castbridge-event-id'] ?? '',
          deliveryId: headers['castbridge-delivery-id'] ?? '',
          body: value,
        }));
      },
      goAway: proxy.goAway,
      hang: () => Promise.resolve(proxy.hang()),
      comeBack: proxy.comeBack,
      async close() {
        await tap.close();
        await proxy.close();
      },
    };
  });
});
