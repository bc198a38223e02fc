import { startBaseline } from '../rig/baseline.js';
import { startBridge, UNDER_WAY_MS } from '../rig/bridge.js';
import { BODY_BYTES, makeEvents, type Batch } from '../rig/events.js';
import { median, medians, percentiles, ratios, shown, table, within } from '../rig/figures.js';
import { closedLoop, CONNECTIONS, type Loaded } from '../rig/generator.js';
import { offer } from '../rig/paced.js';
import { rssMb, sleep, usageOf } from '../rig/process.js';
import { startReceiver, type Receiver } from '../rig/receiver.js';
import { startRedis, whyNoRedis } from '../rig/redis.js';
import { interleaved, warmUp, withEvents, type Part, type Rig, type Section } from '../rig/rig.js';
import { insist } from '../rig/stored.js';
import { routesTo } from '../rig/table-of-rows.js';

const PACED = 500;
/** Null: as fast as it is answered. */
const VARIANTS = {
  'handler written by hand': { name: 'handler', perSecond: null },
  castbridge: { name: 'bridge', perSecond: null },
  'handler, 500/s': { name: 'handler', perSecond: PACED },
  'castbridge, 500/s': { name: 'bridge', perSecond: PACED },
} as const satisfies Record<string, { readonly name: 'handler' | 'bridge'; readonly perSecond: number | null }>;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];
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
  weight: 5,
  missing: whyNoRedis,
  run: async (rig) => section(await interleaved(rig, NAMES, (name) => measured(rig, name))),
};

function measured(rig: Rig, variant: Variant) {
  const { name, perSecond } = VARIANTS[variant];
  return withEvents(rig, async (many) => {
    const receiver = await startReceiver(rig.folder);
    const forwarder = await startForwarder(rig, name, receiver);
    await warmUp(rig, forwarder.url);
    await forwarder.settled();
    const batch = perSecond === null ? many : makeEvents(rig.memory, rig.secret, rig.seconds * perSecond);
    const before = forwarder.pids.map((pid) => usageOf([pid]));
    const loaded = perSecond === null ? await closedLoop(forwarder.url, batch, rig.seconds) : await offered(rig, forwarder.url, batch, perSecond);
    await receiver.arrived(batch, loaded.answered);
    await forwarder.settled();
    const after = forwarder.pids.map((pid) => usageOf([pid]));
    const rss = rssMb(forwarder.pids, 'VmHWM');
    const { arrived, arrivedPerSecond } = await compared(variant, receiver, batch, loaded);
    const [own = NaN, redis = 0] = after.map(({ cpuMs }, at) => ((cpuMs - (before[at]?.cpuMs ?? 0)) * 1_000) / arrived);
    await forwarder.stop();
    await receiver.end();
    batch.remove();
    return {
      [CPU]: own + redis,
      'of it Redis, µs': redis,
      'answered/s': loaded.perSecond,
      'arrived/s': arrivedPerSecond,
      'p50, ms': loaded.p50,
      'p99, ms': loaded.p99,
      'p99.9, ms': loaded.p999,
      'RSS at most, MB': rss,
      'written an event, bytes': after.reduce((sum, { writtenBytes }, at) => sum + writtenBytes - (before[at]?.writtenBytes ?? 0), 0) / arrived,
    };
  });
}

async function offered(rig: Rig, url: string, batch: Batch, perSecond: number): Promise<Loaded> {
  const { dueMs, answeredMs } = await offer(rig.folder, url, batch, perSecond);
  const tookMs = answeredMs.reduce((last, ms) => Math.max(last, ms)) - (dueMs[0] ?? NaN);
  const latencies = percentiles(answeredMs.map((ms, n) => ms - (dueMs[n] ?? NaN)));
  return { answered: batch.count, sent: batch.count, perSecond: (batch.count / tookMs) * 1_000, ...latencies };
}

async function compared(what: string, receiver: Receiver, batch: Batch, loaded: Loaded): Promise<{ arrived: number; arrivedPerSecond: number }> {
  const { firstMs, ...held } = await receiver.compare(batch);
  insist(`${what}, what arrived at the sink`, held, loaded);
  const times = firstMs.filter((ms) => !Number.isNaN(ms));
  const tookMs = times.reduce((last, ms) => Math.max(last, ms)) - times.reduce((first, ms) => Math.min(first, ms));
  return { arrived: held.arrived, arrivedPerSecond: (held.arrived / tookMs) * 1_000 };
}

export const startForwarder = (rig: Rig, name: 'handler' | 'bridge', sink: Receiver): Promise<Forwarder> =>
  name === 'bridge' ? startBridgeForwarder(rig, sink) : startHandler(rig, sink);

async function startBridgeForwarder(rig: Rig, sink: Receiver): Promise<Forwarder> {
  const yaml = `sinks: { out: { type: http, url: "${sink.url}" } }\n${routesTo('out')}`;
  const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml });
  return {
    url: bridge.url,
    get pids() {
      return [bridge.pid];
    },
    settled: () => bridge.quiet('out'),
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
    const [, ...others] = Object.values(medians(rounds[name])).map(shown);
    return [name, within(rounds[name].map((round) => round[CPU])), ...others];
  });
  const cpuToHandler = ratios(rounds.castbridge, rounds['handler written by hand'], CPU);
  const paced = ratios(rounds['castbridge, 500/s'], rounds['handler, 500/s'], CPU);
  return {
    markdown: `What people write instead of a bridge (\`bench/baseline/handler.ts\`): Express, the HMAC over the raw bytes, \`SET NX\` in a Redis that keeps nothing on disk, \`fetch\` to the sink, and the answer when the sink has answered. The bridge answers when the event is on disk, and posts it on by itself (the defaults of its HTTP sink); its CPU is counted until all has arrived and is settled, Redis's CPU is counted with the handler's. ${CONNECTIONS} connections, bodies of ${BODY_BYTES} bytes; the sink is a process of its own that sums up every body. *Arrived/s*: from the first arrival to the last one. At ${PACED} a second: offered at an even rate, where a commit holds few events; latencies are then counted from when an event was due.

${table(['', ...Object.keys(rounds.castbridge[0] ?? {})], rows)}

castbridge against the handler, CPU an event (the median of the ratios within each round, the least and the most): **${within(cpuToHandler, ' ×')}**, and ${within(paced, ' ×')} at ${PACED} events a second.`,
    figures: { 'forward.cpuToHandler': median(cpuToHandler) },
    rounds,
  };
}
