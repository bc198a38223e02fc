// Node: npm install kafkajs; KAFKA_BROKERS=kafka-1:9092 node consumer.mjs
import { Kafka } from 'kafkajs';

const { KAFKA_BROKERS = 'localhost:9092', KAFKA_TOPIC = 'castai.events', KAFKA_GROUP = 'my-service', KAFKA_SESSION_MS = '30000' } = process.env;
/** Deliveries to remember: more than are sent while a broker is away, or the bridge starts again. 100,000 take about 7 MB. */
const REMEMBERED = 100_000;

/** What the service does. Where it must not be done twice after a crash, `deliveryId` belongs into the same transaction, as a unique key. */
async function handle({ deliveryId, type, value }) {
  console.log(`${deliveryId} ${type} ${value}`);
}

const handled = new Set();

async function handleOnce({ headers, value }) {
  const [deliveryId, type] = ['castbridge-delivery-id', 'castbridge-type'].map((name) => String(headers[name]));
  if (handled.has(deliveryId)) return;
  await handle({ deliveryId, type, value });
  handled.add(deliveryId);
  if (handled.size > REMEMBERED) handled.delete(handled.values().next().value);
}

const consumer = new Kafka({ clientId: KAFKA_GROUP, brokers: KAFKA_BROKERS.split(',') }).consumer({
  groupId: KAFKA_GROUP,
  sessionTimeout: Number(KAFKA_SESSION_MS),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => consumer.disconnect());
await consumer.connect();
await consumer.subscribe({ topic: KAFKA_TOPIC, fromBeginning: true });
// kafkajs commits what `eachMessage` has returned from, and nothing that it threw for: that is given to it again.
await consumer.run({ autoCommitThreshold: 100, eachMessage: ({ message }) => handleOnce(message) });
