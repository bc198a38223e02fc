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
      await until('all threads have written down what they did', () => {
        // Throws where it has ended.
        process.kill(pid, 0);
        return texts().every((text) => text !== '');
      });
      const threads = texts().map((text) => JSON.parse(text) as ThreadProfile);
      rmSync(folder, { recursive: true });
      const startUs = threads.reduce((sum, thread) => sum + thread.startUs, 0);
      return { cpuUs: cpuUs - startUs, rows: merged(threads.flatMap(costsOf)).sort((a, b) => b.us - a.us) };
    },
  };
}

/** A thread's time by who spent it: samples say in which shares, the system says how much it was. A sample is taken by the clock: a wait inside of a call is one of it. */
function costsOf({ thread, cpuUs, profile: { nodes, samples = [] } }: ThreadProfile): Cost[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ownerAt = (id: number | undefined): string => {
    const frame = byId.get(id ?? NaN)?.callFrame;
    if (frame === undefined) return NODE;
    return INNATE.get(frame.functionName) ?? ownerOf(frame.url) ?? ownerAt(parents.get(id ?? NaN));
  };
  const nameOf = (id: number): string => byId.get(id)?.callFrame.functionName ?? '';
  const busy = samples.filter((id) => nameOf(id) !== '(idle)');
  const us = cpuUs / busy.length;
  return busy.map((id) => ({ thread, owner: ownerAt(id), us, functions: [[NATIVE.get(nameOf(id)) ?? nameOf(id), us]] }));
}

const NODE = 'Node.js: HTTP, sockets, timers, messages';
/** What V8 calls what has no frame. */
const INNATE = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'native code'],
]);
/** V8 calls all functions of a native module by the name of one: in this process that is SQLite’s driver. */
const NATIVE = new Map([['backup', 'SQLite']]);
/** Where the profiler itself is. */
const OWN = '.cache';

/** Null: of Node itself, and so of whoever called it. */
function ownerOf(url: string): string | null {
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1];
  if (dependency !== undefined) return dependency === OWN ? 'the profiler' : dependency;
  const own = /\/dist\/((?:sources|stores)\/[^/]+|[^/.]+)[/.]/.exec(url)?.[1];
  return own === undefined ? null : `\`src/${own}\``;
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
