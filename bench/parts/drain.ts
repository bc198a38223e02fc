import { rmSync } from 'node:fs';
import type { Broker } from '../../test/kafka/broker.js';
import { startBridge } from '../rig/bridge.js';
import type { Filled } from '../rig/fill.js';
import { median, medians, shown, table, within } from '../rig/figures.js';
import { newTopic, watchTopic, withKafka } from '../rig/kafka.js';
import type { Profiler } from '../rig/profiler.js';
import { machineMs, rssMb, usageOf, type Usage } from '../rig/process.js';
import { startConsumer, startReceiver, type Receiver } from '../rig/receiver.js';
import { interleaved, type Part, type Rig } from '../rig/rig.js';
import { copyOf } from '../rig/stores.js';
import { routesTo } from '../rig/table-of-rows.js';

const COUNT = 100_000;
const LOOK_MS = 10;
const VARIANTS = { http: 'HTTP', kafka: 'Kafka' } as const;
type Variant = keyof typeof VARIANTS;
const [CPU, PER_SECOND] = ['CPU a delivery, µs', 'deliveries/s'] as const;

type Round = Awaited<ReturnType<typeof drained>>['figures'];

export const drain: Part = {
  name: 'drain',
  title: 'Drain',
  about: 'how fast 100,000 waiting deliveries leave, to HTTP and to a real Kafka',
  weight: 4,
  missing: () => Promise.resolve(null),
  run: (rig) =>
    withKafka(rig, async (broker, why) => {
      const names: Variant[] = broker === null ? ['http'] : ['http', 'kafka'];
      const rounds = await interleaved(rig, names, async (name) => (await drained(rig, name, broker)).figures);
      const perSecond = (name: Variant): number => (names.includes(name) ? median(rounds[name].map((round) => round[PER_SECOND])) : NaN);
      const rows = names.map((name) => row(name, rounds[name]));
      return {
        markdown: `${countOf(rig).toLocaleString('en')} deliveries of 1 KB wait in the store when the bridge starts; from the first arrival to the last one; CPU until the last one is settled. The sinks have their defaults. HTTP: the receiver is a process of its own on the same cores. Kafka: a broker of its own on the same cores, acknowledged by it; seen by the end of the topic, which is read and compared afterwards.${why === null ? '' : `\n\nLeft out, Kafka: ${why}.`}

${table(['', ...Object.keys(rounds.http[0] ?? {})], rows)}`,
        figures: { 'drain.httpPerSecond': perSecond('http'), 'drain.kafkaPerSecond': perSecond('kafka') },
        rounds,
      };
    }),
};

function row(name: Variant, rounds: readonly Round[]): string[] {
  const [, , ...others] = Object.values(medians(rounds)).map(shown);
  return [VARIANTS[name], within(rounds.map((round) => round[CPU])), within(rounds.map((round) => round[PER_SECOND])), ...others];
}

const countOf = (rig: Rig): number => (rig.quick ? COUNT / 20 : COUNT);

/** What left, and when. */
interface Watch {
  readonly yaml: string;
  /** Looks whether so many have arrived; true at the end. */
  readonly watch: (look: (arrived: number) => boolean) => Promise<void>;
  /** The process to compare with. */
  readonly receiver: () => Promise<Receiver>;
}

/** `profiler`: of what is between the first arrival and the last settlement. */
export async function drained(rig: Rig, name: Variant, broker: Broker | null, profiler: Profiler | null = null) {
  const count = countOf(rig);
  const { path, folder, filled } = await copyOf(rig, 'waiting', count, 'out');
  const { yaml, watch, receiver } = broker === null || name === 'http' ? await toHttp(rig, filled) : await toKafka(rig, broker);
  let pid = 0;
  let first: { readonly atMs: number; readonly arrived: number; readonly usage: Usage } | undefined;
  let lastMs = NaN;
  const watching = watch((arrived) => {
    const nowMs = machineMs();
    if (arrived > 0 && pid > 0 && first === undefined) {
      first = { atMs: nowMs, arrived, usage: usageOf([pid]) };
      profiler?.begin(pid);
    }
    lastMs = nowMs;
    return arrived >= count;
  });
  const options = { secret: rig.secret, yaml: `sinks: { out: ${yaml} }\n${routesTo('out')}`, database: path, env: profiler?.env ?? {} };
  const [bridge] = await Promise.all([startBridge(rig.folder, { ...options, spawned: (started) => (pid = started) }), watching]);
  await bridge.quiet('out');
  const usage = usageOf([pid]);
  const rss = rssMb([pid], 'VmHWM');
  const costs = (await profiler?.end(pid)) ?? null;
  await bridge.insistOnSpeed();
  await bridge.stop();
  bridge.remove();
  rmSync(folder, { recursive: true });
  await compare(await receiver(), filled, count);
  if (first === undefined) throw new Error('nothing was seen to arrive');
  const left = count - first.arrived;
  const figures = {
    [CPU]: ((usage.cpuMs - first.usage.cpuMs) * 1_000) / left,
    [PER_SECOND]: (left / (lastMs - first.atMs)) * 1_000,
    'RSS at most, MB': rss,
    'written a delivery, bytes': (usage.writtenBytes - first.usage.writtenBytes) / left,
  };
  return { figures, costs, left };
}

async function toHttp(rig: Rig, filled: Filled | null): Promise<Watch> {
  const receiver = await startReceiver(rig.folder);
  return {
    yaml: `{ type: http, url: "${receiver.url}" }`,
    watch: async (look) => {
      while (!look(await receiver.count(known(filled)))) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
    receiver: () => Promise.resolve(receiver),
  };
}

async function toKafka(rig: Rig, broker: Broker): Promise<Watch> {
  const topic = await newTopic(broker);
  return {
    yaml: `{ type: kafka, brokers: ["${broker.address}"], topic: "${topic}", key: event.cluster.id }`,
    watch: (look) => watchTopic(broker, topic, look),
    receiver: () => startConsumer(rig.folder, broker.address, topic),
  };
}

async function compare(receiver: Receiver, filled: Filled | null, count: number): Promise<void> {
  await receiver.arrived(known(filled), count);
  const { arrived, altered, repeated } = await receiver.compare(known(filled));
  await receiver.end();
  if (arrived !== count || altered > 0)
    throw new Error(`${arrived} of ${count} arrived, ${altered} of them altered: a run that loses something has no speed`);
  if (repeated > 0) throw new Error(`${repeated} arrived twice`);
}

function known(filled: Filled | null): Filled {
  if (filled === null) throw new Error('the store was filled with no events');
  return filled;
}
