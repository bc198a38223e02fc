import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { startBaseline } from '../rig/baseline.js';
import { startBridge, UNDER_WAY_MS } from '../rig/bridge.js';
import { BODY_BYTES, identityOf, type Batch } from '../rig/events.js';
import { median, medians, ratios, shown, table, within } from '../rig/figures.js';
import { closedLoop, CONNECTIONS } from '../rig/generator.js';
import { rssMb, sleep, usageOf } from '../rig/process.js';
import { interleaved, warmUp, withEvents, type Part, type Rig, type Section } from '../rig/rig.js';
import { insist, storedOf, type Held } from '../rig/stored.js';
import { countSyncs, type Syncs } from '../rig/syncs.js';
import { routesTo } from '../rig/table-of-rows.js';

const VARIANTS = { http: 'bare node:http', koa: 'bare Koa', log: 'append-only log', bridge: 'castbridge' } as const;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];

/** A server under test, whatever it is. */
interface Server {
  readonly url: string;
  readonly pid: number;
  /** Resolves when nothing that follows from the events so far is left to do. */
  settled(): Promise<void>;
  /** Stops it, and says what it holds of the batch; null where it holds nothing. */
  stop(batch: Batch): Promise<Held | null>;
}

type Round = Awaited<ReturnType<typeof measured>>;

export const ingest: Part = {
  name: 'ingest',
  title: 'Ingest',
  about: 'events a second and CPU per event, beside bare servers and an append-only log',
  weight: 4.5,
  missing: () => Promise.resolve(null),
  run: async (rig) => {
    const rounds = await interleaved(rig, NAMES, (name) => measured(rig, name));
    const syncs = await syncsOf(rig);
    return section(rounds, syncs);
  },
};

function measured(rig: Rig, name: Variant, syncs: Syncs | null = null) {
  return withEvents(rig, async (batch) => {
    const server = await start(rig, name, syncs);
    await warmUp(rig, server.url);
    await server.settled();
    const [before, syncsBefore] = [usageOf([server.pid]), syncs?.count() ?? NaN];
    const loaded = await closedLoop(server.url, batch, rig.seconds);
    await server.settled();
    const [after, syncsAfter] = [usageOf([server.pid]), syncs?.count() ?? NaN];
    const rss = rssMb([server.pid], 'VmHWM');
    const held = await server.stop(batch);
    if (held !== null) insist(name, held, loaded);
    const events = held?.arrived ?? loaded.answered;
    return {
      'CPU an event, µs': ((after.cpuMs - before.cpuMs) * 1_000) / events,
      'events/s': loaded.perSecond,
      'p50, ms': loaded.p50,
      'p99, ms': loaded.p99,
      'p99.9, ms': loaded.p999,
      'RSS at most, MB': rss,
      'written an event, bytes': (after.writtenBytes - before.writtenBytes) / events,
      syncs: (syncsAfter - syncsBefore) / events,
    };
  });
}

/** In a round of its own: counting is no part of what is measured. What the bridge writes to standard output is compared in it, too. */
async function syncsOf(rig: Rig): Promise<Record<'log' | 'bridge', number>> {
  const result = { log: NaN, bridge: NaN };
  for (const name of ['log', 'bridge'] as const) {
    const syncs = await countSyncs(rig.folder);
    if (syncs === null) continue;
    rig.say(`a round that counts fsyncs: ${name}`);
    result[name] = (await measured(rig, name, syncs)).syncs;
  }
  return result;
}

async function start(rig: Rig, name: Variant, syncs: Syncs | null): Promise<Server> {
  const folder = mkdtempSync(join(rig.folder, `${name}-`));
  const env = { SECRET: rig.secret, ...syncs?.env };
  switch (name) {
    case 'http':
    case 'koa': {
      const bare = await startBaseline(`bare-${name}`, env);
      return {
        url: bare.url,
        pid: bare.pid,
        settled: () => sleep(UNDER_WAY_MS),
        stop: async () => {
          await bare.stop();
          return null;
        },
      };
    }
    case 'log': {
      const path = join(folder, 'events.log');
      const log = await startBaseline('log', { ...env, LOG: path });
      return {
        url: log.url,
        pid: log.pid,
        settled: () => sleep(UNDER_WAY_MS),
        stop: async (batch) => {
          await log.stop();
          const held = loggedOf(path, batch);
          rmSync(folder, { recursive: true });
          return held;
        },
      };
    }
    case 'bridge':
      return startMeasuredBridge(rig, folder, syncs);
  }
}

async function startMeasuredBridge(rig: Rig, folder: string, syncs: Syncs | null): Promise<Server> {
  const stdout = syncs === null ? '/dev/null' : join(folder, 'stdout');
  const yaml = `sinks: { screen: { type: console } }\n${routesTo('screen')}`;
  const bridge = await startBridge(folder, { secret: rig.secret, yaml, stdout, env: syncs?.env ?? {} });
  return {
    url: bridge.url,
    pid: bridge.pid,
    settled: () => bridge.quiet('screen'),
    stop: async (batch) => {
      await bridge.insistOnSpeed();
      await bridge.stop();
      const held = storedOf(bridge.database, batch);
      if (syncs !== null) insist('standard output', printedOf(stdout, batch), { answered: held.arrived, sent: held.arrived });
      rmSync(folder, { recursive: true });
      return held;
    },
  };
}

/** The log holds bodies of one length. */
function loggedOf(path: string, batch: Batch): Held {
  const bytes = readFileSync(path);
  return heldIn(batch, bytes.length / BODY_BYTES, (n) => bytes.subarray(n * BODY_BYTES, (n + 1) * BODY_BYTES));
}

/** The console sink's lines end with `"body":` and the body as it came. */
function printedOf(path: string, batch: Batch): Held {
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
  return heldIn(batch, lines.length, (n) => Buffer.from(lines[n]?.slice(-BODY_BYTES - 1, -1) ?? '', 'latin1'));
}

function heldIn({ run, checks }: Batch, count: number, at: (n: number) => Buffer): Held {
  const seen = new Uint8Array(checks.length);
  let [arrived, repeated, altered] = [0, 0, 0];
  for (let n = 0; n < count; n++) {
    const body = at(n);
    const identity = identityOf(body);
    if (identity !== null && identity.run !== run) continue;
    if (identity === null || crc32(body) !== checks[identity.n]) altered += 1;
    else if (seen[identity.n] === 1) repeated += 1;
    else arrived += seen[identity.n] = 1;
  }
  return { arrived, repeated, altered };
}

/** Syncs have a round of their own. */
function shownOf(round: Round): Omit<Round, 'syncs'> {
  return Object.fromEntries(Object.entries(round).filter(([name]) => name !== 'syncs')) as Omit<Round, 'syncs'>;
}

function section(rounds: Record<Variant, Round[]>, syncs: Record<'log' | 'bridge', number>): Section {
  const rows = NAMES.map((name) => {
    const middle = medians(rounds[name].map(shownOf));
    const cpu = rounds[name].map((round) => round['CPU an event, µs']);
    const counted = name === 'log' || name === 'bridge' ? shown(syncs[name]) : '0';
    return [VARIANTS[name], within(cpu), ...Object.values(middle).slice(1).map(shown), counted];
  });
  const names = rounds.bridge.slice(0, 1).flatMap((round) => Object.keys(shownOf(round)));
  const against = (name: Variant, figure: 'CPU an event, µs' | 'events/s'): number[] => ratios(rounds.bridge, rounds[name], figure);
  const comparisons = (['koa', 'http', 'log'] as const).map((name) => [
    VARIANTS[name],
    within(against(name, 'CPU an event, µs'), ' ×'),
    within(against(name, 'events/s'), ' ×'),
  ]);
  return {
    markdown: `${CONNECTIONS} connections, each posts the next event when the last one is answered; bodies of ${BODY_BYTES} bytes, signed. *castbridge*: everything on: verifies, finds duplicates, routes over 20 rows with a condition in CEL each, stores, answers after fsync, writes to the console sink (to /dev/null), settles; its CPU is counted until nothing waits. *bare*: read, verify, answer, and keep nothing. *append-only log*: node:http, verify, append the body to a file, answer after fdatasync; what came meanwhile is in the next one. Latencies are wrk's own, which it corrects for the requests that a slow answer delays. Behind the median of the CPU: the least and the most of all rounds. Syncs: fsync and fdatasync, counted between the process and libc, in a round of its own. After each round the bodies in the store (and in the log) were compared with those that were sent; in the round of the syncs, those on standard output, too.

${table(['', ...names, 'syncs an event'], rows)}

castbridge against (the median of the ratios within each round, the least and the most):

${table(['', 'CPU an event', 'events/s'], comparisons)}`,
    figures: {
      'ingest.cpuToKoa': median(against('koa', 'CPU an event, µs')),
      'ingest.cpuToHttp': median(against('http', 'CPU an event, µs')),
      'ingest.perSecond': median(rounds.bridge.map((round) => round['events/s'])),
      'ingest.perSecondToKoa': median(against('koa', 'events/s')),
    },
    rounds,
  };
}
