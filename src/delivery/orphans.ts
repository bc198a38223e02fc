import { StoreUnavailable, type Store } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';
import { pause } from '../core/pause.js';

/** Pause before a failing store is asked again. */
const AGAIN_MS = 1_000;

/** What the orphans are found with. */
export interface OrphanDependencies {
  readonly store: Pick<Store, 'killOrphans'>;
  readonly telemetry: Pick<Telemetry, 'orphansKilled'>;
  /** The sinks whose deliveries are somebody's, at this moment. */
  readonly spared: () => readonly string[];
  /** Sinks that they are forwarded to, and what has them look. */
  readonly deadTo: () => readonly string[];
  readonly wake: (sinks: readonly string[]) => void;
  readonly nowMs: () => number;
}

/** T14: makes dead letters of what waits for a sink without a lane, which would wait for ever. */
export interface Orphans {
  /** There may be some. Returns at once. */
  kill(): void;
  /** Resolves when the call under way, which goes by the sinks of an earlier moment, has ended. */
  untouched(): Promise<unknown>;
  /** Resolves when nothing is killed any more. */
  stop(): Promise<void>;
}

export function createOrphans({ store, telemetry, spared, deadTo, wake, nowMs }: OrphanDependencies): Orphans {
  const stopping = new AbortController();
  let asked = false;
  let round: Promise<void> | null = null;
  let call: Promise<unknown> = Promise.resolve();

  const killChunk = async (): Promise<number> => {
    const to = deadTo();
    const killed = store.killOrphans(spared(), nowMs(), to);
    call = killed.catch(() => undefined);
    if ((await killed) > 0) wake(to);
    return killed;
  };

  const killAll = async (): Promise<void> => {
    let deliveries = 0;
    while (asked && !stopping.signal.aborted) {
      asked = false;
      try {
        const killed = await killChunk();
        deliveries += killed;
        if (killed > 0) asked = true;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        asked = true;
        await pause(AGAIN_MS, stopping.signal);
      }
    }
    // With the loop's last look, not after it: who asks in between would not be heard.
    round = null;
    if (deliveries > 0) telemetry.orphansKilled({ deliveries });
  };

  return {
    kill() {
      asked = true;
      round ??= killAll();
    },
    untouched: () => call,
    async stop() {
      stopping.abort();
      await round;
    },
  };
}
