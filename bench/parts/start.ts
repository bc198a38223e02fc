import { rmSync } from 'node:fs';
import { startBridge } from '../rig/bridge.js';
import { medians, shown, table, within } from '../rig/figures.js';
import { freePort, rssMb } from '../rig/process.js';
import { interleaved, type Part, type Rig } from '../rig/rig.js';
import { copyOf, DOWN } from '../rig/stores.js';
import { routesTo } from '../rig/table-of-rows.js';

const VARIANTS = {
  'an empty store': ['keys', 0, 20],
  '10,000 rows': ['keys', 0, 10_000],
  '10 million dedup keys': ['keys', 10_000_000, 20],
  '1 million deliveries wait': ['waiting', 1_000_000, 20],
} as const;
type Name = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Name[];
const READY = 'ready after, ms';

export const start: Part = {
  name: 'start',
  title: 'Start',
  about: 'how long a start takes with a large store',
  weight: 3,
  missing: () => Promise.resolve(null),
  run: async (rig) => {
    const rounds = await interleaved(rig, NAMES, (name) => started(rig, name));
    const rows = NAMES.map((name) => {
      const [, ...others] = Object.values(medians(rounds[name])).map(shown);
      return [name, within(rounds[name].map((round) => round[READY])), ...others];
    });
    return {
      markdown: `From the start of the process until \`/readyz\` answers 200; the file was written a moment before, and is in the page cache. CPU and RSS: until then.

${table(['', ...Object.keys(rounds['an empty store'][0] ?? {})], rows)}`,
      figures: {},
      rounds,
    };
  },
};

async function started(rig: Rig, name: Name) {
  const [kind, count, rows] = VARIANTS[name];
  const { path, folder } = await copyOf(rig, kind, count / (rig.quick ? 100 : 1));
  const down = `${DOWN}: { type: http, url: "http://127.0.0.1:${await freePort()}/", retry: { attempts: 100, maxAge: 30d } }`;
  const bridge = await startBridge(rig.folder, {
    secret: rig.secret,
    yaml: `sinks: { screen: { type: console }, ${down} }\n${routesTo('screen', rows)}`,
    database: path,
  });
  const round = { [READY]: bridge.readyMs, 'CPU, ms': bridge.started.cpuMs, 'RSS, MB': rssMb([bridge.pid]) };
  await bridge.stop();
  bridge.remove();
  rmSync(folder, { recursive: true });
  return round;
}
