import type { Broker } from '../../test/kafka/broker.js';
import { startBridge } from '../rig/bridge.js';
import { shown, table } from '../rig/figures.js';
import { closedLoop } from '../rig/generator.js';
import { withKafka } from '../rig/kafka.js';
import { startProfiler, type Costs } from '../rig/profiler.js';
import { warmUp, withEvents, type Part, type Rig } from '../rig/rig.js';
import { insist, storedOf } from '../rig/stored.js';
import { routesTo } from '../rig/table-of-rows.js';
import { drained } from './drain.js';

/** What is below this share of the whole is one row together. */
const SHOWN_SHARE = 0.015;
/** And a function below this share of its row is not named. */
const NAMED_SHARE = 0.08;
const NAMED_MAX = 4;

/** A profile, and of how many events. */
interface Profiled {
  readonly what: string;
  readonly costs: Costs;
  readonly events: number;
}

export const profile: Part = {
  name: 'profile',
  title: 'What an event costs',
  about: 'where the CPU time of an event goes, by thread and folder: V8’s profiler in all threads',
  weight: 1,
  missing: () => Promise.resolve(null),
  run: (rig) =>
    withKafka(rig, async (broker, why) => {
      const all = [await ofIngest(rig), await ofDrain(rig, 'http', null), ...(broker === null ? [] : [await ofDrain(rig, 'kafka', broker)])];
      return {
        markdown: `One round of the ingest part’s load, and of each drain, with V8’s profiler in every thread of the bridge (a sample each millisecond; to take them costs something itself, and a core is not equally fast all the time, so that the sums differ from the parts above). A sample belongs to the folder of the bridge, or to the package, that is the nearest in its stack: what Node and the system do for it is in it, and so is what a write to a socket makes the system do for the receiver on the same machine. The system says how much CPU time each thread had; the samples, in which shares, and these are taken by the clock: what SQLite waits for the disk in its calls makes its share of a reader or of the writer larger, and that of their other rows smaller.${why === null ? '' : ` Left out, Kafka: ${why}.`}

${all.map(shownOf).join('\n\n')}`,
        figures: {},
        rounds: Object.fromEntries(all.map(({ what, costs, events }) => [what, [{ 'CPU, µs': costs.cpuUs, events }]])),
      };
    }),
};

async function ofIngest(rig: Rig): Promise<Profiled> {
  rig.say('profiles ingest');
  return withEvents(rig, async (batch) => {
    const profiler = await startProfiler(rig.folder);
    const yaml = `sinks: { screen: { type: console } }\n${routesTo('screen')}`;
    const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml, env: profiler.env });
    await warmUp(rig, bridge.url);
    await bridge.quiet('screen');
    profiler.begin(bridge.pid);
    const loaded = await closedLoop(bridge.url, batch, rig.seconds);
    await bridge.quiet('screen');
    const costs = await profiler.end(bridge.pid);
    await bridge.insistOnSpeed();
    await bridge.stop();
    const held = storedOf(bridge.database, batch);
    insist('the store', held, loaded);
    bridge.remove();
    return { what: 'Ingest, to the console sink', costs, events: held.arrived };
  });
}

async function ofDrain(rig: Rig, name: 'http' | 'kafka', broker: Broker | null): Promise<Profiled> {
  rig.say(`profiles a drain: ${name}`);
  const { costs, left } = await drained(rig, name, broker, await startProfiler(rig.folder));
  if (costs === null) throw new Error('nothing was profiled');
  return { what: name === 'http' ? 'Drain to HTTP' : 'Drain to Kafka', costs, events: left };
}

function shownOf({ what, costs: { cpuUs, rows }, events }: Profiled): string {
  const of = (us: number): string => shown(us / events);
  const seen = rows.filter(({ us }) => us >= cpuUs * SHOWN_SHARE);
  const little = rows.filter((row) => !seen.includes(row)).reduce((sum, { us }) => sum + us, 0);
  const other = cpuUs - rows.reduce((sum, { us }) => sum + us, 0);
  const lines = seen.map(({ thread, owner, us, functions }) => {
    const named = functions.filter(([name, its]) => name !== '' && !name.startsWith('(') && its >= us * NAMED_SHARE).slice(0, NAMED_MAX);
    return [thread, owner, of(us), named.map(([name, its]) => `\`${name}\` ${of(its)}`).join(', ')];
  });
  const ends = [
    ['', `below ${SHOWN_SHARE * 100} % each`, of(little), ''],
    ['', 'threads without JavaScript: V8’s that collect garbage, compile and profile, libuv’s that write', of(other), ''],
    ['', '**all of it**', `**${of(cpuUs)}**`, ''],
  ];
  return `**${what}**, µs of CPU an event:\n\n${table(['thread', 'where', 'µs', 'of it, the largest functions'], [...lines, ...ends])}`;
}
