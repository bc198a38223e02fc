import { pause } from '../core/pause.js';
import { StoreUnavailable, type Settled, type Store } from '../core/store.js';

/** Pause before a settlement is handed to a failing store again; doubles up to the second. */
const AGAIN_MS = 100;
const AGAIN_MS_MAX = 5_000;

/**
 * Has settlements written, and tells of each as soon as it is; not `written`: it is to stop before the store could write it; the delivery is still waiting
 * there, and will be sent again.
 */
export async function keepSettling<One extends { readonly settled: Settled }>(
  store: Pick<Store, 'settle'>,
  all: readonly One[],
  stop: AbortSignal,
  ended: (some: readonly One[], written: boolean) => void,
): Promise<void> {
  if (await isSettled(store, all)) {
    ended(all, true);
    return;
  }
  // Each by itself from here on: one that cannot be written must not hold the others up.
  await Promise.all(all.map(async (one) => ended([one], await settleOne(store, one, stop))));
}

async function settleOne(store: Pick<Store, 'settle'>, one: { readonly settled: Settled }, stop: AbortSignal): Promise<boolean> {
  for (let pauseMs = AGAIN_MS; !(await isSettled(store, [one])); pauseMs = Math.min(pauseMs * 2, AGAIN_MS_MAX)) {
    if (stop.aborted) return false;
    await pause(pauseMs, stop);
  }
  return true;
}

async function isSettled(store: Pick<Store, 'settle'>, all: readonly { readonly settled: Settled }[]): Promise<boolean> {
  try {
    await store.settle(...all.map(({ settled }) => settled));
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}
