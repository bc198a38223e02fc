import type { Broker } from '../../kafka/broker.js';
import type { Fault as Treatment, Proxy } from '../../kafka/proxy.js';
import { given, pause, type Fault, type Need } from '../fault.js';
import type { Stand } from '../stand.js';
import { auditKeepsUp, comesTrue } from '../suffering.js';

const KILLS = 8;
/** Longer than the short timeout of a stand's sinks, and than a Kafka sink's own. */
const FROZEN_MS = 5_000;
const FROZEN_LONG_MS = 35_000;

/** The only broker goes away, and comes back. */
const away = (name: string, ms: number): Fault => ({
  name,
  part: 'kafka',
  needs: ['kafka'],
  async strike(stand) {
    const [broker] = given(stand.kafka).brokers;
    await broker?.stop();
    try {
      await pause(ms);
      await auditKeepsUp(stand);
    } finally {
      await broker?.start();
    }
    return 1;
  },
});

const frozen = (name: string, ms: number, needs: readonly Need[]): Fault => ({
  name,
  part: 'kafka',
  needs,
  async strike(stand) {
    const [broker] = given(stand.kafka).brokers;
    await broker?.freeze();
    try {
      await pause(ms);
      await auditKeepsUp(stand);
    } finally {
      broker?.thaw();
    }
    return 1;
  },
});

/** Some produce requests are treated so, each between some that are not. */
const treated = (name: string, treatment: Treatment, most: number): Fault => ({
  name,
  part: 'kafka',
  needs: ['kafka', 'kafka-proxy'],
  async strike(stand) {
    const proxy = given(given(stand.kafka).proxy);
    const count = 1 + Math.floor(stand.random() * most);
    for (let time = 0; time < count; time++) {
      proxy.script(treatment);
      await moreRequests(proxy, 1 + Math.floor(stand.random() * 3));
    }
    await auditKeepsUp(stand);
    return count;
  },
});

async function moreRequests(proxy: Proxy, count: number): Promise<void> {
  const goal = proxy.produced + count;
  await comesTrue(`${count} produce requests more`, () => proxy.produced >= goal, 60_000);
}

/** Every broker goes away and comes back, one at a time, the cluster whole again between. */
const rolled = (name: string, end: 'stop' | 'kill'): Fault => ({
  name,
  part: 'kafka',
  needs: ['kafka', 'cluster'],
  async strike(stand) {
    const kafka = given(stand.kafka);
    for (const broker of kafka.brokers) {
      await broker[end]();
      try {
        await pause(stand.random() * 1_000);
        await auditKeepsUp(stand);
      } finally {
        await broker.start();
      }
      await kafka.whole();
    }
    return kafka.brokers.length;
  },
});

/** A delivery that waits says why. */
async function waitsBecause(stand: Stand, reason: string): Promise<void> {
  await comesTrue(`a delivery waits with the reason ${reason}`, async () =>
    (await stand.rows('state=waiting&sink=events')).some((row) => row.reason === reason),
  );
}

async function killedOften(broker: Broker | undefined, stand: Stand): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(stand.random() * 1_000);
    await broker?.kill();
    await pause(stand.random() * 1_000);
    await broker?.start();
  }
  await auditKeepsUp(stand);
}

/** What becomes of the brokers, of the network before them, and of the topic (T03, T13, T25). */
export const kafkaFaults: readonly Fault[] = [
  away('Kafka: stopped for 1 s', 1_000),
  away('Kafka: stopped for 30 s', 30_000),
  {
    name: `Kafka: killed ${KILLS} times in a row`,
    part: 'kafka',
    needs: ['kafka'],
    async strike(stand) {
      await killedOften(given(stand.kafka).brokers[0], stand);
      return KILLS;
    },
  },
  frozen('Kafka: frozen for longer than the timeout', FROZEN_MS, ['kafka']),
  frozen('Kafka: frozen for longer than its own timeout, 30 s', FROZEN_LONG_MS, ['kafka', 'kafka-timeouts']),
  treated('Kafka: answers lost, and the connection', 'lose-answer', 20),
  treated('Kafka: requests lost, and the connection', 'drop-request', 20),
  treated('Kafka: an answer that never comes', 'no-answer', 2),
  {
    name: 'Kafka: the topic deleted, and created again',
    part: 'kafka',
    needs: ['kafka', 'kafka-proxy'],
    async strike(stand) {
      const kafka = given(stand.kafka);
      const proxy = given(kafka.proxy);
      // From here on nothing is acknowledged, and what was acknowledged is there to be read: the connections are cut, and new requests wait.
      proxy.otherwise('hold-request');
      await proxy.goAway();
      await proxy.comeBack();
      await moreRequests(proxy, 1);
      await kafka.deleteTopic();
      proxy.otherwise(null);
      proxy.release();
      try {
        await waitsBecause(stand, 'unknown_topic_or_partition');
        await auditKeepsUp(stand);
      } finally {
        await kafka.createTopic();
      }
      return 1;
    },
  },
  rolled('Kafka: three brokers stopped and started one by one', 'stop'),
  rolled('Kafka: three brokers killed and started one by one', 'kill'),
  {
    name: 'Kafka: two of three brokers down, too few replicas in sync',
    part: 'kafka',
    needs: ['kafka', 'cluster'],
    async strike(stand) {
      const kafka = given(stand.kafka);
      const two = kafka.brokers.slice(0, 2);
      for (const broker of two) await broker.stop();
      try {
        await waitsBecause(stand, 'not_enough_replicas');
        await auditKeepsUp(stand);
      } finally {
        await Promise.all(two.map((broker) => broker.start()));
      }
      await kafka.whole();
      return 1;
    },
  },
];
