// Reads a topic from its beginning, and writes down what arrived and when. Arguments: BROKER TOPIC. Driven by messages of its parent.
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { machineMs } from '../rig/process.js';
import { Arrivals } from '../rig/arrivals.js';
import { answerAsked } from '../rig/asked.js';

const [broker = '', topic = ''] = process.argv.slice(2);
const arrivals = new Arrivals();
const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100, minBytes: 1 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
await consumer.run({
  eachBatchAutoResolve: true,
  autoCommitInterval: 5_000,
  eachBatch: ({ batch }) => {
    const nowMs = machineMs();
    for (const { value } of batch.messages) arrivals.note(value ?? Buffer.alloc(0), nowMs);
    return Promise.resolve();
  },
});
await joined;
answerAsked(arrivals, { port: 0 });
