import { startBridge, type Bridge } from '../rig/bridge.js';
import { makeEvents } from '../rig/events.js';
import { median, shown, table, within } from '../rig/figures.js';
import { newTopic, withKafka } from '../rig/kafka.js';
import { offer } from '../rig/paced.js';
import { rssMb, sleep, usageOf } from '../rig/process.js';
import { startReceiver } from '../rig/receiver.js';
import type { Part, Rig } from '../rig/rig.js';
import { routesTo } from '../rig/table-of-rows.js';

/** The processor's time of a process is known in hundredths of a second: an idle one needs long windows. */
const WINDOW_S = 20;
/** A producer of Kafka is closed when it was idle for 30 s. */
const SETTLE_MS = 35_000;
const EVENTS = 1_000;

interface Idler {
  readonly name: string;
  readonly bridge: Bridge;
  readonly rounds: { percent: number }[];
}

export const idle: Part = {
  name: 'idle',
  title: 'Idle',
  about: 'CPU of a bridge without events',
  weight: 2.5,
  missing: () => Promise.resolve(null),
  run: (rig) =>
    withKafka(rig, async (broker, why) => {
      const receiver = await startReceiver(rig.folder);
      try {
        const idlers = [await idler(rig, 'an HTTP sink', `{ type: http, url: "${receiver.url}" }`)];
        if (broker !== null)
          idlers.push(await idler(rig, 'a Kafka sink', `{ type: kafka, brokers: ["${broker.address}"], topic: "${await newTopic(broker)}" }`));
        await sleep(rig.quick ? 0 : SETTLE_MS);
        await watch(rig, idlers);
        const rows = idlers.map(({ name, bridge, rounds }) => {
          const percents = rounds.map(({ percent }) => percent);
          return [name, within(percents), shown(rssMb([bridge.pid]))];
        });
        for (const { bridge } of idlers) {
          await bridge.stop();
          bridge.remove();
        }
        return {
          markdown: `After ${EVENTS.toLocaleString('en')} events and ${SETTLE_MS / 1_000} s without any (an idle producer of Kafka is closed after 30), ${rig.rounds} windows of ${windowOf(rig)} s, all bridges at the same time; the target is held against the larger median.${why === null ? '' : `\n\nLeft out, Kafka: ${why}.`}

${table(['with', 'CPU, % of a core', 'RSS, MB'], rows)}`,
          figures: { 'idle.percent': Math.max(...idlers.map(({ rounds }) => median(rounds.map(({ percent }) => percent)))) },
          rounds: Object.fromEntries(idlers.map(({ name, rounds }) => [name, rounds])),
        };
      } finally {
        await receiver.end();
      }
    }),
};

const windowOf = (rig: Rig): number => (rig.quick ? 3 : WINDOW_S);

async function idler(rig: Rig, name: string, sink: string): Promise<Idler> {
  const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml: `sinks: { out: ${sink} }\n${routesTo('out')}` });
  const batch = makeEvents(rig.memory, rig.secret, EVENTS);
  await offer(rig.folder, bridge.url, batch, EVENTS);
  await bridge.quiet('out');
  await bridge.insistOnSpeed();
  batch.remove();
  return { name, bridge, rounds: [] };
}

async function watch(rig: Rig, idlers: readonly Idler[]): Promise<void> {
  for (let round = 1; round <= rig.rounds; round++) {
    rig.say(`window ${round} of ${rig.rounds}, ${windowOf(rig)} s`);
    const before = idlers.map(({ bridge }) => usageOf([bridge.pid]).cpuMs);
    const beganMs = performance.now();
    await sleep(windowOf(rig) * 1_000);
    const tookMs = performance.now() - beganMs;
    idlers.forEach(({ bridge, rounds }, at) => rounds.push({ percent: ((usageOf([bridge.pid]).cpuMs - (before[at] ?? NaN)) / tookMs) * 100 }));
  }
}
