// What a record costs in the Kafka sink, and what an idle producer does: KAFKA_BROKERS=127.0.0.1:9092 node bench/kafka.mjs, after `npm run build`.
// CPU time of this process, which hardly depends on what else the machine does; best of the rounds. The broker is another process.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { kafka } from '../dist/sinks/kafka.js';

const ROUNDS = 5;
const PARTITIONS = 3;
const IDLE_MS = 10_000;
const brokers = (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(',');
const topic = `bench-${randomUUID()}`;
const body = Buffer.from(JSON.stringify({ id: 'evt_1', type: 'resource.created', data: { clusterId: 'c-1', text: 'x'.repeat(900) } }));
const silent = { debug() {}, info() {}, warn() {}, error() {} };

await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] }));
const config = { brokers, topic, headers: {}, value: 'raw', compression: 'none', clientId: 'castbridge-bench' };
const sink = kafka.open(config, { name: 'events', timeoutMs: 30_000, log: silent });
await send(1_000, 500);
for (const [count, batch] of [
  [3_000, 1],
  [20_000, 100],
  [50_000, 500],
]) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await cost(() => send(count, batch), count));
  console.log(`batches of ${batch}: ${Math.min(...rounds).toFixed(0)} µs of CPU a record (${rounds.map((one) => one.toFixed(0)).join(', ')})`);
}
console.log(`a producer that is connected and idle: ${share(await cost(() => pause(IDLE_MS), IDLE_MS))} of a core`);
await sink.close();
console.log(`none: ${share(await cost(() => pause(IDLE_MS), IDLE_MS))} of a core`);
await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));

/** Microseconds of CPU for each of `count`. */
async function cost(work, count) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** One send after another; keys are spread over the partitions. */
async function send(count, batch) {
  for (let sent = 0; sent < count; sent += batch) {
    const outcomes = await sink.send(
      Array.from({ length: batch }, (_, index) => message(sent + index)),
      AbortSignal.timeout(30_000),
    );
    if (outcomes.some(({ kind }) => kind !== 'delivered')) throw new Error(JSON.stringify(outcomes[0]));
  }
}

function message(n) {
  const receivedMs = Date.now();
  const event = {
    id: `evt_${n}`,
    source: 'castai',
    type: 'resource.created',
    receivedAt: new Date(receivedMs).toISOString(),
    receivedMs,
    time: null,
  };
  return { deliveryId: `${n}-bench.0`, event, body, content: { topic, key: `c-${n % 50}`, headers: {} } };
}

function share(microsecondsOfMs) {
  return `${(microsecondsOfMs / 10).toFixed(1)} %`;
}

async function withAdmin(work) {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await work(admin);
  await admin.disconnect();
}
