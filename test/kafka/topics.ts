import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Admin, type IHeaders, type KafkaConfig } from 'kafkajs';

/** A record as it lies in the topic. */
export interface Recorded {
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads a topic, by ways of its own: not through the sink, nor through a proxy. */
export interface Tap {
  /** All records that the topic holds at this moment, by partition and offset. */
  records(): Promise<Recorded[]>;
  close(): Promise<void>;
}

/** A name no topic has. */
export function unusedTopic(): string {
  return `topic-${randomUUID()}`;
}

/** A topic with a name of its own. */
export async function createTopic(
  brokers: string[],
  numPartitions = 1,
  config: Readonly<Record<string, string>> = {},
  topic = unusedTopic(),
): Promise<string> {
  await withAdmin(brokers, async (admin) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
    await allLed(admin, topic);
  });
  return topic;
}

/** A topic with a name of its own, whose partitions have their replicas on these brokers of a cluster, the first of each leading. */
export async function createTopicOn(
  brokers: string[],
  replicas: readonly (readonly number[])[],
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = unusedTopic();
  const replicaAssignment = replicas.map((nodes, partition) => ({ partition, replicas: [...nodes] }));
  await withAdmin(brokers, async (admin) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    // kafkajs would ask brokers for the leaders that have not heard of the topic yet, and fail.
    await admin.createTopics({ topics: [{ topic, replicaAssignment, configEntries }], waitForLeaders: false });
    await allLed(admin, topic);
  });
  return topic;
}

/** A broker lists a partition a moment before it leads it. */
export async function allLed(admin: Admin, topic: string): Promise<void> {
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Deletes a topic; resolves when the brokers do not know it any more: until then they may take a record for it, and throw it away. */
export async function deleteTopic(brokers: string[], topic: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    while ((await admin.listTopics()).includes(topic)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
}

export async function withAdmin<Result>(
  brokers: string[],
  work: (admin: Admin) => Promise<Result>,
  config: Partial<KafkaConfig> = {},
): Promise<Result> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, ...config }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function readTopic(brokers: string[], topic: string): Promise<Recorded[]> {
  const tap = await tapTopic(brokers, topic);
  try {
    return await tap.records();
  } finally {
    await tap.close();
  }
}

export async function tapTopic(brokers: string[], topic: string): Promise<Tap> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 50 });
  await admin.connect();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const read: Recorded[] = [];
  /** The offset that was read last, by partition. */
  const last = new Map<number, number>();
  let arrived: () => void = () => undefined;
  await consumer.run({
    eachMessage: ({ partition, message: { offset, timestamp, key, value, headers } }) => {
      read.push({ partition, offset, timestamp, key, value, headers: textsOf(headers ?? {}) });
      last.set(partition, Number(offset));
      arrived();
      return Promise.resolve();
    },
  });

  return {
    async records() {
      const ends = await admin.fetchTopicOffsets(topic);
      const behind = ({ partition, high }: { partition: number; high: string }): boolean =>
        Number(high) > 0 && (last.get(partition) ?? -1) < Number(high) - 1;
      while (ends.some(behind)) await new Promise<void>((resolve) => (arrived = resolve));
      return read.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
    },
    async close() {
      await consumer.disconnect();
      await admin.disconnect();
    },
  };
}

function textsOf(headers: IHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
