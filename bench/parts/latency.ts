import type { Broker } from '../../test/kafka/broker.js';
import { startBaseline } from '../rig/baseline.js';
import { startBridge } from '../rig/bridge.js';
import { makeEvents, type Batch } from '../rig/events.js';
import { median, percentiles, shown, table, within } from '../rig/figures.js';
import { CONNECTIONS } from '../rig/generator.js';
import { newTopic, withKafka } from '../rig/kafka.js';
import { offer, type Paced } from '../rig/paced.js';
import { usageOf } from '../rig/process.js';
import { startConsumer, startReceiver, type Receiver } from '../rig/receiver.js';
import { interleaved, warmUp, type Part, type Rig } from '../rig/rig.js';
import { insist, storedOf } from '../rig/stored.js';
import { routesTo } from '../rig/table-of-rows.js';

const RATES = [500, 1_000, 2_000, 5_000];
/** What no bridge can be better than: it answers, and keeps nothing. */
const BARE = 'bare node:http';
const SINKS = [BARE, 'console', 'HTTP', 'Kafka'] as const;
/** Below this share of what was offered a second, the rate was not sustained: the longer it lasts, the longer the queue. */
const SUSTAINED = 0.98;
type Sink = (typeof SINKS)[number];
type Variant = `${Sink} ${number}`;

const [DONE, ANSWER, ARRIVAL] = ['done/s', 'answer p99, ms', 'arrival p99, ms'] as const;
const NEVER = { p50: NaN, p99: NaN, p999: NaN };

type Round = Awaited<ReturnType<typeof measured>>;

export const latency: Part = {
  name: 'latency',
  title: 'Latency',
  about: 'from request to answer, and to arrival at an HTTP sink and a Kafka consumer, at offered rates',
  weight: 17,
  missing: () => Promise.resolve(null),
  run: (rig) =>
    withKafka(rig, async (broker, why) => {
      const sinks = SINKS.filter((sink) => sink !== 'Kafka' || broker !== null);
      const variants = new Map(sinks.flatMap((sink) => RATES.map((rate) => [`${sink} ${rate}`, [sink, rate]] as const)));
      const rounds = await interleaved(rig, [...variants.keys()], (name) => {
        const [sink = BARE, rate = NaN] = variants.get(name) ?? [];
        return sink === BARE ? bare(rig, rate) : measured(rig, sink, rate, broker);
      });
      return section(rig, rounds, variants, why);
    }),
};

async function bare(rig: Rig, rate: number) {
  const batch = makeEvents(rig.memory, rig.secret, rig.seconds * rate);
  const server = await startBaseline('bare-http', { SECRET: rig.secret });
  await warmUp(rig, server.url);
  const before = usageOf([server.pid]);
  const paced = await offer(rig.folder, server.url, batch, rate);
  const after = usageOf([server.pid]);
  await server.stop();
  batch.remove();
  return figuresOf(paced, null, ((after.cpuMs - before.cpuMs) * 1_000) / batch.count);
}

async function measured(rig: Rig, sink: Exclude<Sink, typeof BARE>, rate: number, broker: Broker | null) {
  const batch = makeEvents(rig.memory, rig.secret, rig.seconds * rate);
  const { yaml, receiver } = await receive(rig, sink, broker);
  const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml: `sinks: { out: ${yaml} }\n${routesTo('out')}` });
  await warmUp(rig, bridge.url);
  await bridge.quiet('out');
  const before = usageOf([bridge.pid]);
  const paced = await offer(rig.folder, bridge.url, batch, rate);
  await receiver?.arrived(batch, batch.count);
  await bridge.quiet('out');
  const after = usageOf([bridge.pid]);
  await bridge.insistOnSpeed();
  const arrivedMs = receiver === null ? null : await comparedWith(receiver, sink, batch);
  await bridge.stop();
  if (receiver === null) insist('the store', storedOf(bridge.database, batch), { answered: batch.count, sent: batch.count });
  bridge.remove();
  batch.remove();
  return figuresOf(paced, arrivedMs, ((after.cpuMs - before.cpuMs) * 1_000) / batch.count);
}

/** When each arrived. */
async function comparedWith(receiver: Receiver, sink: Sink, batch: Batch): Promise<Float64Array> {
  const { firstMs, ...held } = await receiver.compare(batch);
  insist(sink, held, { answered: batch.count, sent: batch.count });
  await receiver.end();
  return firstMs;
}

/** Without a receiver nothing arrives that could be timed. */
function figuresOf({ dueMs, answeredMs }: Paced, arrivedMs: Float64Array | null, cpuUs: number) {
  const since = (timesMs: Float64Array) => timesMs.map((ms, n) => ms - (dueMs[n] ?? NaN));
  const [answer, arrival] = [percentiles(since(answeredMs)), arrivedMs === null ? NEVER : percentiles(since(arrivedMs))];
  const ends = arrivedMs ?? answeredMs;
  const tookMs = ends.reduce((last, ms) => Math.max(last, ms)) - ends.reduce((first, ms) => Math.min(first, ms));
  return {
    [DONE]: (ends.length / tookMs) * 1_000,
    'answer p50, ms': answer.p50,
    [ANSWER]: answer.p99,
    'answer p99.9, ms': answer.p999,
    'arrival p50, ms': arrival.p50,
    [ARRIVAL]: arrival.p99,
    'arrival p99.9, ms': arrival.p999,
    'CPU an event, µs': cpuUs,
  };
}

async function receive(rig: Rig, sink: Sink, broker: Broker | null): Promise<{ yaml: string; receiver: Receiver | null }> {
  if (sink === 'console') return { yaml: '{ type: console }', receiver: null };
  if (sink === 'HTTP' || broker === null) {
    const receiver = await startReceiver(rig.folder);
    return { yaml: `{ type: http, url: "${receiver.url}" }`, receiver };
  }
  const topic = await newTopic(broker);
  const receiver = await startConsumer(rig.folder, broker.address, topic);
  return { yaml: `{ type: kafka, brokers: ["${broker.address}"], topic: "${topic}", key: event.cluster.id }`, receiver };
}

function section(
  { rounds: count, seconds }: Rig,
  rounds: Readonly<Record<Variant, readonly Round[]>>,
  variants: ReadonlyMap<Variant, readonly [Sink, number]>,
  why: string | null,
) {
  const of = (name: Variant, figure: keyof Round): number[] => (rounds[name] ?? []).map((round) => round[figure]);
  const names = Object.keys(Object.values(rounds).flat()[0] ?? {}) as (keyof Round)[];
  const rows = [...variants].map(([name, [sink, rate]]) => {
    const isSustained = median(of(name, DONE)) >= rate * SUSTAINED;
    const cells = names.map((figure) => (figure === ANSWER || figure === ARRIVAL ? within(of(name, figure)) : shown(median(of(name, figure)))));
    return [sink, `${rate.toLocaleString('en')}${isSustained ? '' : ', not sustained'}`, ...cells];
  });
  return {
    markdown: `At an even rate from a generator of its own (\`bench/programs/paced.ts\`; wrk has no rate), ${CONNECTIONS} connections, ${seconds} s in each round (rounds: ${count}). Every latency counts from the moment the event was *due*, not from when it was sent: what a stall delays is in it, and so is the generator's own clock, about a millisecond. *Arrival*: at the HTTP receiver, or in a Kafka consumer (kafkajs, which fetches as soon as there is a record), a process of its own. *bare node:http*: reads, verifies and answers, and keeps nothing. Broker, consumer, generator and bridge share the cores. Behind a p99: the least and the most of all rounds. *Done/s*: arrivals, without a receiver answers, from the first to the last one; below ${SUSTAINED * 100} % of the rate (the last one came that much late) it is *not sustained*: events queue, longer the longer it is offered.${why === null ? '' : `\n\nLeft out, Kafka: ${why}.`}

${table(['to', 'events/s', ...names], rows)}`,
    figures: {
      'latency.ackP99At5000.console': median(of('console 5000', ANSWER)),
      'latency.ackP99At5000.http': median(of('HTTP 5000', ANSWER)),
      'latency.ackP99At5000.kafka': median(of('Kafka 5000', ANSWER)),
      'latency.httpP99At2000': median(of('HTTP 2000', ARRIVAL)),
    },
    rounds,
  };
}
