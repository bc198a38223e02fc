import type { Broker } from '../../test/kafka/broker.js';
import { startBridge } from '../rig/bridge.js';
import { makeEvents } from '../rig/events.js';
import { medians, percentiles, shown, table } from '../rig/figures.js';
import { newTopic, withKafka } from '../rig/kafka.js';
import { offer, type Paced } from '../rig/paced.js';
import { usageOf } from '../rig/process.js';
import { startConsumer, startReceiver, type Receiver } from '../rig/receiver.js';
import { interleaved, warmUp, type Part, type Rig } from '../rig/rig.js';
import { insist } from '../rig/stored.js';
import { routesTo } from '../rig/table-of-rows.js';

const RATES = [500, 2_000, 5_000];
const SINKS = ['HTTP', 'Kafka'] as const;
type Sink = (typeof SINKS)[number];
type Variant = `${Sink} ${number}`;

type Round = Awaited<ReturnType<typeof measured>>;

export const latency: Part = {
  name: 'latency',
  title: 'Latency',
  about: 'from request to answer, and to arrival at an HTTP sink and a Kafka consumer, at offered rates',
  weight: 7,
  missing: () => Promise.resolve(null),
  run: (rig) =>
    withKafka(rig, async (broker, why) => {
      const sinks = SINKS.filter((sink) => sink === 'HTTP' || broker !== null);
      const variants = sinks.flatMap((sink) => RATES.map((rate) => ({ name: `${sink} ${rate}` as const, sink, rate })));
      const rounds = await interleaved(
        rig,
        variants.map(({ name }) => name),
        (name) => measured(rig, variants.find((one) => one.name === name) ?? { sink: 'HTTP', rate: NaN }, broker),
      );
      return section(rounds, variants, why);
    }),
};

async function measured(rig: Rig, { sink, rate }: { readonly sink: Sink; readonly rate: number }, broker: Broker | null) {
  const batch = makeEvents(rig.memory, rig.secret, rig.seconds * rate);
  const { yaml, receiver } = await receive(rig, sink, broker);
  const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml: `sinks: { out: ${yaml} }\n${routesTo('out')}` });
  await warmUp(rig, bridge.url);
  await bridge.quiet('out');
  const before = usageOf([bridge.pid]);
  const paced = await offer(rig.folder, bridge.url, batch, rate);
  await receiver.arrived(batch, batch.count);
  await bridge.quiet('out');
  const after = usageOf([bridge.pid]);
  await bridge.insistOnSpeed();
  const { firstMs, ...held } = await receiver.compare(batch);
  insist(sink, held, { answered: batch.count, sent: batch.count });
  await bridge.stop();
  bridge.remove();
  await receiver.end();
  batch.remove();
  return figuresOf(paced, firstMs, ((after.cpuMs - before.cpuMs) * 1_000) / batch.count);
}

function figuresOf({ dueMs, answeredMs }: Paced, firstMs: Float64Array, cpuUs: number) {
  const [answer, arrival] = [
    percentiles(answeredMs.map((ms, n) => ms - (dueMs[n] ?? NaN))),
    percentiles(firstMs.map((ms, n) => ms - (dueMs[n] ?? NaN))),
  ];
  return {
    'answer p50, ms': answer.p50,
    'answer p99, ms': answer.p99,
    'answer p99.9, ms': answer.p999,
    'arrival p50, ms': arrival.p50,
    'arrival p99, ms': arrival.p99,
    'arrival p99.9, ms': arrival.p999,
    'CPU an event, µs': cpuUs,
  };
}

async function receive(rig: Rig, sink: Sink, broker: Broker | null): Promise<{ yaml: string; receiver: Receiver }> {
  if (sink === 'HTTP' || broker === null) {
    const receiver = await startReceiver(rig.folder);
    return { yaml: `{ type: http, url: "${receiver.url}" }`, receiver };
  }
  const topic = await newTopic(broker);
  const receiver = await startConsumer(rig.folder, broker.address, topic);
  return { yaml: `{ type: kafka, brokers: ["${broker.address}"], topic: "${topic}", key: event.cluster.id }`, receiver };
}

function section(
  rounds: Readonly<Record<Variant, readonly Round[]>>,
  variants: readonly { name: Variant; sink: Sink; rate: number }[],
  why: string | null,
) {
  const middle = new Map(variants.map(({ name }) => [name, medians(rounds[name] ?? [])]));
  const [first] = Object.values(rounds).flat();
  return {
    markdown: `At an even rate from a generator of its own (\`bench/programs/paced.ts\`; wrk has no rate), 64 connections. Every latency counts from the moment the event was *due*, not from when it was sent: what a stall delays is in it, and so is the generator's own clock, about a millisecond. *Arrival*: at the HTTP receiver, or in a Kafka consumer (kafkajs, which fetches as soon as there is a record), a process of its own; broker, consumer, generator and bridge share the cores.${why === null ? '' : `\n\nLeft out, Kafka: ${why}.`}

${table(
  ['to', 'events/s', ...Object.keys(first ?? {})],
  variants.map(({ name, sink, rate }) => [sink, rate.toLocaleString('en'), ...Object.values(middle.get(name) ?? {}).map(shown)]),
)}`,
    figures: {
      'latency.ackP99At5000': middle.get('HTTP 5000')?.['answer p99, ms'] ?? NaN,
      'latency.httpP99At2000': middle.get('HTTP 2000')?.['arrival p99, ms'] ?? NaN,
    },
    rounds,
  };
}
