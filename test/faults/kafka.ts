import { startCluster, type Broker } from '../kafka/broker.js';
import { startProxy, type Proxy } from '../kafka/proxy.js';
import { createTopic, deleteTopic, readTopic, unusedTopic, withAdmin } from '../kafka/topics.js';
import { until } from '../e2e/serve.js';
import type { Need } from './fault.js';
import { hashOf, type Arrival } from './ledger.js';

/** Brokers that runs share: each is started when a run first needs it, and is whole again when the fault is over. */
export interface Brokers {
  /** The three where a fault needs them, else the one. */
  forNeeds(needs: readonly Need[]): Promise<readonly Broker[]>;
  close(): Promise<void>;
}

/** What the Kafka sink of one stand writes to. */
export interface KafkaStand {
  readonly brokers: readonly Broker[];
  /** Where the sink begins: the brokers, or the proxy. */
  readonly addresses: readonly string[];
  readonly topic: string;
  /** Null where no fault needs it. */
  readonly proxy: Proxy | null;
  /** Deletes the topic; what it held has arrived all the same. */
  deleteTopic(): Promise<void>;
  createTopic(): Promise<void>;
  /** Resolves when every replica is in sync. */
  whole(): Promise<void>;
  arrivals(): Promise<Arrival[]>;
  close(): Promise<void>;
}

const PARTITIONS = 3;
const REPLICAS = 3;
/** A broker that was killed is let in again when its old self has timed out: after 9 s by default. */
const PROPERTIES = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' };
const OF_A_CLUSTER = {
  'default.replication.factor': String(REPLICAS),
  'offsets.topic.replication.factor': String(REPLICAS),
  'min.insync.replicas': '2',
};

export function createBrokers(): Brokers {
  let single: Promise<Broker[]> | undefined;
  let cluster: Promise<Broker[]> | undefined;
  return {
    forNeeds: (needs) =>
      needs.includes('cluster')
        ? (cluster ??= startCluster(REPLICAS, { properties: { ...PROPERTIES, ...OF_A_CLUSTER } }))
        : (single ??= startCluster(1, { properties: PROPERTIES })),
    async close() {
      const all = (await Promise.all([single ?? [], cluster ?? []])).flat();
      await Promise.all(all.map((broker) => broker.close()));
    },
  };
}

/** A topic of its own for one stand. */
export async function openKafka(brokers: readonly Broker[], needs: readonly Need[]): Promise<KafkaStand> {
  const own = brokers.map(({ address }) => address);
  const proxy = needs.includes('kafka-proxy') ? await startProxy(own[0] ?? '') : null;
  const topic = unusedTopic();
  const create = (): Promise<unknown> => createTopic(own, PARTITIONS, {}, topic);
  await create();
  /** What topics that were deleted since have held. */
  const gone: Arrival[] = [];
  const arrived = async (): Promise<Arrival[]> =>
    (await readTopic(own, topic)).map(({ headers, value }) => ({
      sink: 'events',
      eventId: headers['castbridge-event-id'] ?? '',
      deliveryId: headers['castbridge-delivery-id'] ?? '',
      hash: hashOf(value ?? Buffer.alloc(0)),
    }));

  return {
    brokers,
    addresses: proxy === null ? own : [proxy.address],
    topic,
    proxy,
    deleteTopic: async () => {
      gone.push(...(await arrived()));
      await deleteTopic(own, topic);
    },
    // Its name is free a moment after it was deleted.
    createTopic: () =>
      until(() =>
        create().then(
          () => true,
          () => false,
        ),
      ),
    whole: () => until(() => isWhole(own, topic)),
    arrivals: async () => [...gone, ...(await arrived())],
    close: async () => {
      await proxy?.close();
      await deleteTopic(own, topic);
    },
  };
}

async function isWhole(brokers: string[], topic: string): Promise<boolean> {
  try {
    const { topics } = await withAdmin(brokers, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]?.partitions.every(({ isr, replicas, leader }) => leader >= 0 && isr.length === replicas.length) === true;
  } catch {
    return false;
  }
}
