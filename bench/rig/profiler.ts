import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ThreadProfile } from '../programs/profiler.js';
import { until, usageOf } from './process.js';
import { program } from './programs.js';

/** Profiles the bridge that is started with its environment. */
export interface Profiler {
  readonly env: Readonly<Record<string, string>>;
  begin(pid: number): void;
  end(pid: number): Promise<Costs>;
}

/** Where the CPU time of a process went. */
export interface Costs {
  /** Of all its threads. */
  readonly cpuUs: number;
  /** Largest first. What is missing from `cpuUs` is of threads that run no JavaScript. */
  readonly rows: readonly Cost[];
}

/** What one thread spent in one folder of the bridge, or in one package, with all of Node that they call. */
export interface Cost {
  readonly thread: string;
  readonly owner: string;
  readonly us: number;
  /** The functions that were running, largest first. */
  readonly functions: readonly (readonly [name: string, us: number])[];
}

export async function startProfiler(parent: string): Promise<Profiler> {
  const folder = mkdtempSync(join(parent, 'profiles-'));
  let before = NaN;
  return {
    env: { NODE_OPTIONS: `--import=${await program('profiler')}`, BENCH_PROFILES: folder },
    begin: (pid) => {
      before = usageOf([pid]).cpuMs;
      process.kill(pid, 'SIGUSR2');
    },
    end: async (pid) => {
      const cpuUs = (usageOf([pid]).cpuMs - before) * 1_000;
      process.kill(pid, 'SIGUSR2');
      const texts = (): string[] => readdirSync(folder).map((name) => (name.endsWith('.json') ? readFileSync(join(folder, name), 'utf8') : ''));
      await until('all threads have written down what they did', () => texts().every((text) => text !== ''));
      const rows = texts().flatMap((text) => costsOf(JSON.parse(text) as ThreadProfile));
      rmSync(folder, { recursive: true });
      return { cpuUs, rows: merged(rows).sort((a, b) => b.us - a.us) };
    },
  };
}

/** A thread's time by who spent it: samples say in which shares, the system says how much it was. */
function costsOf({ thread, cpuUs, profile: { nodes, samples = [] } }: ThreadProfile): Cost[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ownerAt = (id: number | undefined): string => {
    const frame = byId.get(id ?? NaN)?.callFrame;
    if (frame === undefined) return NODE;
    return INNATE[frame.functionName] ?? ownerOf(frame.url) ?? ownerAt(parents.get(id ?? NaN));
  };
  const nameOf = (id: number): string => byId.get(id)?.callFrame.functionName ?? '';
  const busy = samples.filter((id) => nameOf(id) !== '(idle)');
  const us = cpuUs / busy.length;
  return busy.map((id) => ({ thread, owner: ownerAt(id), us, functions: [[NATIVE[nameOf(id)] ?? nameOf(id), us]] }));
}

const NODE = 'Node.js: HTTP, sockets, timers, messages';
/** What V8 calls what has no frame. */
const INNATE: Readonly<Record<string, string>> = { '(garbage collector)': 'garbage collection', '(program)': 'native code' };
/** V8 calls all functions of a native module by the name of one: in this process that is SQLite’s driver. */
const NATIVE: Readonly<Record<string, string>> = { backup: 'SQLite' };
/** Where the profiler itself is. */
const OWN = '.cache';

/** Null: of Node itself, and so of whoever called it. */
function ownerOf(url: string): string | null {
  const [, own, deeper] = /\/dist\/((?:sources|stores)\/[^/]+|[^/.]+)([/.])/.exec(url) ?? [];
  if (own !== undefined && deeper !== undefined) return `\`src/${own}\``;
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? null;
  return dependency === OWN ? 'the profiler' : dependency;
}

function merged(costs: readonly Cost[]): Cost[] {
  const byName = new Map<string, { cost: Cost; functions: Map<string, number>; us: number }>();
  for (const cost of costs) {
    const name = `${cost.thread} ${cost.owner}`;
    const known = byName.get(name) ?? { cost, functions: new Map<string, number>(), us: 0 };
    byName.set(name, known);
    known.us += cost.us;
    for (const [one, us] of cost.functions) known.functions.set(one, (known.functions.get(one) ?? 0) + us);
  }
  return [...byName.values()].map(({ cost, functions, us }) => ({ ...cost, us, functions: [...functions].sort(([, a], [, b]) => b - a) }));
}
