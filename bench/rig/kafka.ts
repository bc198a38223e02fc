import { startBroker, type Broker } from '../../test/kafka/broker.js';
import { whyNoBroker } from '../../test/kafka/jars.js';
import { createTopic, withAdmin } from '../../test/kafka/topics.js';
import type { Rig } from './rig.js';

const PARTITIONS = 6;

/** Why there is no broker here, and what to install; null where there can be one. */
async function whyNoKafka(): Promise<string | null> {
  const why = await whyNoBroker();
  return why === null ? null : `${why}: apt-get install openjdk-17-jre-headless maven`;
}

export const newTopic = (broker: Broker): Promise<string> => createTopic([broker.address], PARTITIONS);

/** Calls `look` with the number of records in a topic, until it says true. */
export function watchTopic(broker: Broker, topic: string, look: (records: number) => boolean): Promise<void> {
  return withAdmin([broker.address], async (admin) => {
    for (;;) {
      const ends = await admin.fetchTopicOffsets(topic);
      if (look(ends.reduce((sum, { high }) => sum + Number(high), 0))) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  });
}

const LOOK_MS = 20;

/** Works with a broker that is closed afterwards; with none, and the reason, where none can be started here. */
export async function withKafka<Result>(
  { say }: Pick<Rig, 'say'>,
  work: (broker: Broker | null, why: string | null) => Promise<Result>,
): Promise<Result> {
  const why = await whyNoKafka();
  if (why !== null) say(`without Kafka: ${why}`);
  const broker = why === null ? await startBroker() : null;
  try {
    return await work(broker, why);
  } finally {
    await broker?.close();
  }
}
