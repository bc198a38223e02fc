import { beforeAll } from 'vitest';
import { shownBody } from '../../src/sinks/preview.js';
import { sinkContract } from '../contract/sink.js';
import { startProxy } from '../kafka/proxy.js';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { createTopic, tapTopic } from '../kafka/topics.js';

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
      arrived: async () =>
        (await tap.records()).map(({ key, headers, value }) => ({
          eventId: headers['castbridge-event-id'] ?? '',
          deliveryId: headers['castbridge-delivery-id'] ?? '',
          body: value,
          sent: { topic, key: key?.toString() ?? null, headers, value: value === null ? null : shownBody(value) },
        })),
      goAway: () => proxy.goAway(),
      hang: () => proxy.hang(),
      comeBack: () => proxy.comeBack(),
      close: async () => {
        await tap.close();
        await proxy.close();
      },
    };
  });
});
