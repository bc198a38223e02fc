import { pause } from '../core/pause.js';
import { StoreUnavailable, type Settled, type Store } from '../core/store.js';

/** Pause before a settlement is handed to a failing store again; doubles up to the second. */
const AGAIN_MS = 100;
const AGAIN_MS_MAX = 5_000;

/** Until it is written. False: it is to stop before the store could write; the delivery is still waiting there, and will be sent again. */
export async function keepSettling(store: Pick<Store, 'settle'>, settled: Settled, stop: AbortSignal): Promise<boolean> {
  for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(pauseMs * 2, AGAIN_MS_MAX)) {
    try {
      await store.settle(settled);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      if (stop.aborted) return false;
      await pause(pauseMs, stop);
    }
  }
}
