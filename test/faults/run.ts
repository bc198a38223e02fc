import { randomFrom } from '../random.js';
import type { Fault } from './fault.js';
import type { Brokers } from './kafka.js';
import { openStand } from './stand.js';
import { judge, type Verdict } from './verdict.js';

/** One run: what struck, and what it came to. */
export interface Result extends Verdict {
  readonly seed: number;
  /** How often each fault struck, in their order. */
  readonly strikes: readonly number[];
  /** From the end of the faults until an event that was posted then was delivered at every sink. */
  readonly recoverMs: number;
  /** From then until nothing waited any more. */
  readonly drainMs: number;
  readonly durationMs: number;
}

/** Acknowledged before the faults strike: they strike in the middle. */
const WARM = 150;
const STRIKE_MS_MAX = 300_000;
const RECOVER_MS_MAX = 90_000;
const DRAIN_MS_MAX = 120_000;

/** Load, faults, recovery, the end of the load, the draining, the verdict. */
export async function runFaults(faults: readonly Fault[], seed: number, brokers: Brokers | null, kills: number): Promise<Result> {
  const beganMs = performance.now();
  const random = randomFrom(seed);
  const stand = await openStand({ random, kills, mixed: faults.length > 1, brokers, needs: faults.flatMap((fault) => fault.needs ?? []) });
  try {
    await stand.load.more(WARM);
    const problems: string[] = [];
    const strikes = faults.map(() => 0);
    const striking = faults.map(async (fault, index) => {
      strikes[index] = await fault.strike(stand);
    });
    for (const result of await Promise.allSettled(striking.map((one) => within(STRIKE_MS_MAX, one))))
      if (result.status === 'rejected') problems.push(String(result.reason));
    const clearedMs = performance.now();
    await within(RECOVER_MS_MAX, stand.recovered()).catch(() => problems.push('STUCK: a fresh event did not get through'));
    const recoverMs = performance.now() - clearedMs;
    await stand.load.stop();
    await within(DRAIN_MS_MAX, stand.drained()).catch(() => problems.push('STUCK: deliveries are still waiting'));
    const drainMs = performance.now() - clearedMs - recoverMs;
    const ended = stand.bridge.ended();
    if (ended !== null) problems.push(ended);
    const mayDie = faults.flatMap((fault) => fault.mayDie ?? []);
    const destroyed = faults.some((fault) => fault.destroys === true);
    const rows = destroyed ? await stand.rowsWithDamage() : await stand.rows();
    const verdict = judge({ posted: stand.load.posted.values(), arrivals: await stand.arrivals(), rows, mayDie, destroyed });
    return { ...verdict, faults: [...problems, ...verdict.faults], seed, strikes, recoverMs, drainMs, durationMs: performance.now() - beganMs };
  } finally {
    await stand.close();
  }
}

/** Waits for a fact, but not for ever. */
async function within(ms: number, fact: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not come within ${ms / 1_000} s`)), ms);
  });
  await Promise.race([fact, late]).finally(() => clearTimeout(timer));
}
