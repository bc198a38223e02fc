import { startBaseline } from '../rig/baseline.js';
import { startBridge } from '../rig/bridge.js';
import { BODY_BYTES, type Batch } from '../rig/events.js';
import { medians, ratio, shown, spread, table } from '../rig/figures.js';
import { closedLoop, CONNECTIONS, type Loaded } from '../rig/generator.js';
import { machineMs, rssMb, sleep, usageOf } from '../rig/process.js';
import { startReceiver, type Receiver } from '../rig/receiver.js';
import { startRedis, whyNoRedis } from '../rig/redis.js';
import { interleaved, withEvents, type Part, type Rig, type Section } from '../rig/rig.js';
import { insist } from '../rig/stored.js';
import { routesTo } from '../rig/table-of-rows.js';

const VARIANTS = { handler: 'handler written by hand', bridge: 'castbridge' } as const;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];
const UNDER_WAY_MS = 250;
const CPU = 'CPU an event, µs';

/** What takes events and posts them to the receiver. */
export interface Forwarder {
  readonly url: string;
  /** All processes it needs, the main one first. */
  readonly pids: readonly number[];
  /** Resolves when all that was answered has arrived, and nothing that follows from it is left to do. */
  settled(): Promise<void>;
  /** kill -9 of the main process, and its next start. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

type Round = Awaited<ReturnType<typeof measured>>;

export const forward: Part = {
  name: 'forward',
  title: 'Receive, store, forward over HTTP, settle',
  about: 'CPU per event beside a handler written by hand: Express, Redis, fetch',
  weight: 3,
  missing: whyNoRedis,
  run: async (rig) => section(await interleaved(rig, NAMES, (name) => measured(rig, name))),
};

function measured(rig: Rig, name: Variant) {
  return withEvents(rig, { warm: rig.warmSeconds, load: rig.seconds }, async (warm, batch) => {
    const receiver = await startReceiver(rig.folder);
    const forwarder = await startForwarder(rig, name, receiver);
    await closedLoop(forwarder.url, warm, rig.warmSeconds);
    await forwarder.settled();
    const [before, beganMs] = [forwarder.pids.map((pid) => usageOf([pid])), machineMs()];
    const loaded = await closedLoop(forwarder.url, batch, rig.seconds);
    await receiver.arrived(batch, loaded.answered);
    await forwarder.settled();
    const after = forwarder.pids.map((pid) => usageOf([pid]));
    const rss = rssMb(forwarder.pids, 'VmHWM');
    const { arrived, lastMs } = await compared(name, receiver, batch, loaded);
    const [own = NaN, redis = 0] = after.map(({ cpuMs }, at) => ((cpuMs - (before[at]?.cpuMs ?? 0)) * 1_000) / arrived);
    await forwarder.stop();
    await receiver.end();
    return {
      [CPU]: own + redis,
      'of it Redis, µs': redis,
      'answered/s': loaded.perSecond,
      'arrived/s': (arrived / (lastMs - beganMs)) * 1_000,
      'p50, ms': loaded.p50,
      'p99, ms': loaded.p99,
      'p99.9, ms': loaded.p999,
      'RSS at most, MB': rss,
      'written an event, bytes': after.reduce((sum, { writtenBytes }, at) => sum + writtenBytes - (before[at]?.writtenBytes ?? 0), 0) / arrived,
    };
  });
}

async function compared(name: string, receiver: Receiver, batch: Batch, loaded: Loaded): Promise<{ arrived: number; lastMs: number }> {
  const { firstMs, ...held } = await receiver.compare(batch);
  insist(`${name}, what arrived at the sink`, held, loaded);
  return { arrived: held.arrived, lastMs: firstMs.reduce((last, ms) => (ms > last ? ms : last), 0) };
}

export const startForwarder = (rig: Rig, name: Variant, sink: Receiver): Promise<Forwarder> =>
  name === 'bridge' ? startBridgeForwarder(rig, sink) : startHandler(rig, sink);

async function startBridgeForwarder(rig: Rig, sink: Receiver): Promise<Forwarder> {
  const yaml = `sinks: { out: { type: http, url: "${sink.url}" } }\n${routesTo('out')}`;
  const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml });
  return {
    url: bridge.url,
    get pids() {
      return [bridge.pid];
    },
    settled: async () => {
      await bridge.quiet();
    },
    crash: async () => {
      await bridge.kill();
      await bridge.start();
    },
    stop: async () => {
      await bridge.stop();
      bridge.remove();
    },
  };
}

async function startHandler(rig: Rig, sink: Receiver): Promise<Forwarder> {
  const redis = await startRedis(rig.folder);
  const handler = await startBaseline('handler', { SECRET: rig.secret, REDIS_URL: redis.url, SINK_URL: sink.url });
  return {
    url: handler.url,
    get pids() {
      return [handler.pid, redis.pid];
    },
    // It answers when the event has arrived: nothing is left but what was under way.
    settled: () => sleep(UNDER_WAY_MS),
    crash: async () => {
      await handler.kill();
      await handler.start();
    },
    stop: async () => {
      await handler.stop();
      await redis.stop();
    },
  };
}

function section(rounds: Record<Variant, Round[]>): Section {
  const rows = NAMES.map((name) => {
    const [first = '', ...others] = Object.values(medians(rounds[name])).map(shown);
    return [VARIANTS[name], `${first} (${spread(rounds[name].map((round) => round[CPU]))})`, ...others];
  });
  const cpuToHandler = ratio(rounds.bridge, rounds.handler, CPU);
  return {
    markdown: `What people write instead of a bridge (\`bench/baseline/handler.ts\`): Express, the HMAC over the raw bytes, \`SET NX\` in a Redis that keeps nothing on disk, \`fetch\` to the sink, and the answer when the sink has answered. The bridge answers when the event is on disk, and posts it on by itself (the defaults of its HTTP sink); its CPU is counted until all has arrived and is settled, Redis's CPU is counted with the handler's. ${CONNECTIONS} connections, bodies of ${BODY_BYTES} bytes; the sink is a process of its own that compares every body. *Arrived/s*: to the last arrival.

${table(['', ...Object.keys(rounds.bridge[0] ?? {})], rows)}

castbridge against the handler, CPU an event (the median of the ratios within each round): **${shown(cpuToHandler)} ×**.`,
    figures: { 'forward.cpuToHandler': cpuToHandler },
    rounds,
  };
}
