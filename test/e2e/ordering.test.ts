import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOwnKafka, ownBroker, START_MS } from '../kafka/suite.js';
import { startProxy, type Proxy } from '../kafka/proxy.js';
import { createTopic, readTopic } from '../kafka/topics.js';
import { deliveriesOf, postSigned, served, until, type Served } from './serve.js';

const SECRET = randomBytes(24).toString('hex');
const EVENTS = 600;
const CLUSTERS = 6;

const yaml = (broker: string, topic: string) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  events:
    type: kafka
    brokers: ["${broker}"]
    topic: "${topic}"
    key: event.cluster.id
    ordering: key
    timeout: 3s
    retry: { initial: 10ms, max: 200ms }
routes: [{ name: all, to: [events] }]
`;

describeOwnKafka('ordering: key, with a real broker', () => {
  let [address, topic] = ['', ''];
  let [proxy, bridge] = [] as unknown as [Proxy, Served];
  beforeAll(async () => {
    address = await ownBroker();
    topic = await createTopic([address], 3);
    proxy = await startProxy(address);
    bridge = await served(yaml(proxy.address, topic), { logLevel: 'error' });
    await bridge.start();
  }, START_MS);
  afterAll(async () => {
    await bridge.cleanUp();
    await proxy.close();
  });

  it('writes what belongs to one cluster in the order it came in, over lost answers, dropped requests and kill -9', async () => {
    const post = async (n: number): Promise<void> => {
      const body = JSON.stringify({ id: `evt_${n}`, type: 'node.changed', data: { clusterId: `c-${n % CLUSTERS}`, n } });
      await until(async () => {
        const answer = await postSigned(bridge.url, SECRET, Buffer.from(body)).catch(() => null);
        return answer?.status === 200;
      });
    };
    // Those of one cluster one after another, so that the order they came in is known; the clusters side by side.
    const posting = Promise.all(
      Array.from({ length: CLUSTERS }, async (_, cluster) => {
        for (let n = cluster; n < EVENTS; n += CLUSTERS) await post(n);
      }),
    );
    for (const fault of ['lose-answer', 'drop-request', 'no-answer', 'lose-answer'] as const) {
      const before = proxy.produced;
      await until(() => proxy.produced >= before + 3);
      proxy.script(fault, fault);
    }
    await bridge.kill();
    await bridge.start();
    await posting;
    await until(async () => (await deliveriesOf(bridge, { state: 'waiting' })).length === 0);

    const records = await readTopic([address], topic);
    const seen = new Set<string>();
    const byCluster = new Map<string, number[]>();
    for (const { key, headers, value } of records) {
      const id = headers['castbridge-delivery-id'] ?? '';
      // As consumers are told: what comes again is left out.
      if (seen.has(id)) continue;
      seen.add(id);
      const { data } = JSON.parse(value?.toString() ?? '') as { data: { n: number } };
      byCluster.set(String(key), [...(byCluster.get(String(key)) ?? []), data.n]);
    }
    for (let cluster = 0; cluster < CLUSTERS; cluster++)
      expect(byCluster.get(`c-${cluster}`)).toEqual(Array.from({ length: EVENTS / CLUSTERS }, (_, at) => cluster + at * CLUSTERS));
    // The faults were there.
    expect(records.length).toBeGreaterThan(EVENTS);
  }, 180_000);
});
