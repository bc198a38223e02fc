import { once } from 'node:events';
import { shown, table } from '../rig/figures.js';
import { startChild } from '../rig/process.js';
import type { Part, Rig } from '../rig/rig.js';

const SCRIPT = new URL('../routing.mjs', import.meta.url).pathname;
const TABLES: Readonly<Record<string, string>> = { type: 'a literal type', cluster: 'a literal cluster' };
const MOST = 10_000;

/** A line of what routing.mjs prints. */
interface Line {
  readonly table: string;
  readonly rows: number;
  readonly eventUs: number;
  readonly loadMs: number;
  readonly reloadMs: number;
}

export const routing: Part = {
  name: 'routing',
  title: 'Routing',
  about: 'CPU of routing one event over up to 10,000 rows (bench/routing.mjs)',
  weight: 2,
  missing: () => Promise.resolve(null),
  run: async (rig) => {
    const lines = await printed(rig);
    return {
      markdown: `\`bench/routing.mjs\`: the table alone, in a process of its own; every row has a condition in CEL, and every event is taken by one row. CPU; the median of ${rig.rounds} rounds. *Read*: what reading such a table costs; *again*: the same text once more; conditions that are known stay compiled, and that is not where most of it goes. The target is held against the larger one at ${MOST.toLocaleString('en')} rows.

${table(
  ['rows differ by', 'rows', 'CPU an event, µs', 'read, ms', 'again, ms'],
  lines.map(({ table: kind, rows, eventUs, loadMs, reloadMs }) => [
    TABLES[kind] ?? kind,
    rows.toLocaleString('en'),
    ...[eventUs, loadMs, reloadMs].map(shown),
  ]),
)}`,
      figures: { 'routing.eventUs': Math.max(...lines.filter(({ rows }) => rows === MOST).map(({ eventUs }) => eventUs)) },
      rounds: { medians: lines.map(({ rows, eventUs, loadMs, reloadMs }) => ({ rows, eventUs, loadMs, reloadMs })) },
    };
  },
};

async function printed(rig: Rig): Promise<Line[]> {
  const args = [SCRIPT, '--tables', Object.keys(TABLES).join(','), '--rows', `10,1000,${MOST}`, '--rounds', String(rig.rounds)];
  rig.say('runs bench/routing.mjs');
  const child = startChild(process.execPath, [...args, '--seconds', rig.quick ? '0.1' : '0.5'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.process.stdout?.on('data', (chunk) => (text += String(chunk)));
  const [code] = (await once(child.process, 'close')) as [number | null];
  if (code !== 0) throw new Error(`bench/routing.mjs ended with ${code}`);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
