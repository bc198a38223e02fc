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
      return { cpuUs: cpuUs - startUs, rows: costsOf(threads) };
    },
  };
}

/** The threads' time by who spent it: samples say in which shares, the system says how much it was. A sample is taken by the clock: a wait inside of a call is one of it. */
function costsOf(threads: readonly ThreadProfile[]): Cost[] {
  const costs = new Map<string, Omit<Cost, 'us' | 'functions'> & { us: number; functions: Map<string, number> }>();
  for (const { thread, cpuUs, profile } of threads) {
    const samples = samplesOf(profile);
    const us = cpuUs / samples.length;
    for (const { owner, name } of samples) {
      const key = `${thread} ${owner}`;
      const cost = costs.get(key) ?? { thread, owner, us: 0, functions: new Map<string, number>() };
      costs.set(key, cost);
      cost.us += us;
      cost.functions.set(name, (cost.functions.get(name) ?? 0) + us);
    }
  }
  const largestFirst = [...costs.values()].sort((a, b) => b.us - a.us);
  return largestFirst.map((cost) => ({ ...cost, functions: [...cost.functions].sort(([, a], [, b]) => b - a) }));
}

/** What was running at each sample, and on whose behalf; not where the thread was idle. */
function samplesOf({ nodes, samples = [] }: ThreadProfile['profile']): { owner: string; name: string }[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ownerAt = (id: number | undefined): string => {
    const frame = byId.get(id ?? NaN)?.callFrame;
    if (frame === undefined) return NODE;
    return INNATE.get(frame.functionName) ?? ownerOf(frame.url) ?? ownerAt(parents.get(id ?? NaN));
  };
  return samples.flatMap((id) => {
    const name = byId.get(id)?.callFrame.functionName ?? '';
    return name === '(idle)' ? [] : [{ owner: ownerAt(id), name: NATIVE.get(name) ?? name }];
  });
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
