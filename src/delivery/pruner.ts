import { StoreUnavailable, type Store } from '../core/store.js';
import { pause } from '../core/pause.js';

/** How often the store is asked for what is past its retention. */
const EVERY_MS = 60_000;
/** Between two chunks: the writer's thread belongs to the ingress. */
const BETWEEN_CHUNKS_MS = 20;

/** Removes what is past its retention, a chunk at a time, until `signal` aborts. */
export async function keepPruning(store: Pick<Store, 'prune'>, nowMs: () => number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const removed = await store.prune(nowMs()).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return 0;
      throw error;
    });
    await pause(removed > 0 ? BETWEEN_CHUNKS_MS : EVERY_MS, signal);
  }
}
