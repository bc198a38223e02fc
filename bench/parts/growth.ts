import { rmSync } from 'node:fs';
import { startBridge } from '../rig/bridge.js';
import { median, medians, ratios, shown, table, within } from '../rig/figures.js';
import { closedLoop, CONNECTIONS } from '../rig/generator.js';
import { freePort, rssMb, usageOf } from '../rig/process.js';
import { interleaved, warmUp, withEvents, type Part, type Rig } from '../rig/rig.js';
import { insist, storedOf } from '../rig/stored.js';
import { copyOf, DOWN } from '../rig/stores.js';
import { routesTo } from '../rig/table-of-rows.js';

interface Variant {
  readonly rows: number;
  readonly keys: number;
  readonly waiting: number;
}

const BASE: Variant = { rows: 10, keys: 0, waiting: 0 };
const VARIANTS = {
  'an empty store, 10 rows': BASE,
  '100 rows': { ...BASE, rows: 100 },
  '1,000 rows': { ...BASE, rows: 1_000 },
  '10,000 rows': { ...BASE, rows: 10_000 },
  '1 million dedup keys': { ...BASE, keys: 1_000_000 },
  '10 million dedup keys': { ...BASE, keys: 10_000_000 },
  '0.1 million deliveries wait': { ...BASE, waiting: 100_000 },
  '1 million deliveries wait': { ...BASE, waiting: 1_000_000 },
} as const satisfies Record<string, Variant>;
type Name = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Name[];
const FIRST: Name = 'an empty store, 10 rows';
const [CPU, RSS] = ['CPU an event, µs', 'RSS, MB'] as const;

export const growth: Part = {
  name: 'growth',
  title: 'Growth',
  about: 'CPU per event and memory with 10,000 rows, 10 million dedup keys, a million waiting deliveries',
  weight: 11,
  missing: () => Promise.resolve(null),
  run: async (rig) => {
    const rounds = await interleaved(rig, NAMES, (name) => measured(rig, VARIANTS[name]));
    const rows = NAMES.map((name) => {
      const [, ...others] = Object.values(medians(rounds[name])).map(shown);
      const against = name === FIRST ? '' : within(ratios(rounds[name], rounds[FIRST], CPU), ' ×');
      return [name, within(rounds[name].map((round) => round[CPU])), against, ...others];
    });
    const [head = '', ...heads] = Object.keys(rounds[FIRST][0] ?? {});
    return {
      markdown: `Ingest as above (${CONNECTIONS} connections, 1 KB, everything on, to the console sink) with more of one thing at a time. Rows differ by literal type, with a condition in CEL each. The keys are in the window, their events are not in the store any more. What waits is owed to an HTTP sink whose port is closed; it is tried again meanwhile. *RSS*: after the load, with that sink still away; Drain has the most while 100,000 leave.

${table(['', head, 'against the first', ...heads], rows)}`,
      figures: {
        'growth.cpuAtKeys': median(ratios(rounds['10 million dedup keys'], rounds[FIRST], CPU)),
        'growth.rssAtBacklog': median(rounds['1 million deliveries wait'].map((round) => round[RSS])),
      },
      rounds,
    };
  },
};

async function measured(rig: Rig, { rows, keys, waiting }: Variant) {
  const scale = rig.quick ? 100 : 1;
  const down = `down: { type: http, url: "http://127.0.0.1:${await freePort()}/", retry: { attempts: 100, maxAge: 30d } }`;
  const yaml = `sinks: { screen: { type: console }, ${down} }\n${routesTo('screen', rows)}`;
  return withEvents(rig, async (batch) => {
    const { path, folder } = waiting > 0 ? await copyOf(rig, 'waiting', waiting / scale, DOWN) : await copyOf(rig, 'keys', keys / scale);
    const bridge = await startBridge(rig.folder, { secret: rig.secret, yaml, database: path });
    await warmUp(rig, bridge.url);
    await bridge.quiet('screen');
    const before = usageOf([bridge.pid]);
    const loaded = await closedLoop(bridge.url, batch, rig.seconds);
    await bridge.quiet('screen');
    const after = usageOf([bridge.pid]);
    const rss = rssMb([bridge.pid]);
    await bridge.insistOnSpeed();
    await bridge.stop();
    const held = storedOf(bridge.database, batch, waiting / scale);
    insist('the store', held, loaded);
    bridge.remove();
    rmSync(folder, { recursive: true });
    return {
      [CPU]: ((after.cpuMs - before.cpuMs) * 1_000) / held.arrived,
      'events/s': loaded.perSecond,
      'p50, ms': loaded.p50,
      'p99, ms': loaded.p99,
      'p99.9, ms': loaded.p999,
      [RSS]: rss,
      'written an event, bytes': (after.writtenBytes - before.writtenBytes) / held.arrived,
    };
  });
}
