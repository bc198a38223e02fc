import { setMaxListeners } from 'node:events';

/** A sink that has not come back this long after its signal is given up on: a slot must not be lost to a fault of a sink. */
const ABANDON_MS = 5_000;
/** Sends that begin this close to each other share a signal: one of its own costs as much as half a request. */
const SHARED_MS_MAX = 50;

/** Holds sends to their time. */
export interface Deadlines {
  /** Runs a send. Its signal aborts after the timeout (a little later where it is shared), or when everything stops. Null: it has not come back for all that. */
  run<Result>(send: (signal: AbortSignal) => Promise<Result>): Promise<Result | null>;
}

/** Sends that began at nearly the same time. */
interface Slot {
  readonly bornMs: number;
  readonly ending: AbortController;
  /** For the signal; after that, for giving up. */
  timer: NodeJS.Timeout;
  /** How each send under way is given up on. */
  readonly sending: Set<() => void>;
}

export function createDeadlines(timeoutMs: number, stop: AbortSignal): Deadlines {
  const sharedMs = Math.min(timeoutMs / 20, SHARED_MS_MAX);
  let current: Slot | null = null;

  const open = (bornMs: number): Slot => {
    const end = (): void => {
      stop.removeEventListener('abort', end);
      clearTimeout(slot.timer);
      if (slot.sending.size > 0) slot.timer = setTimeout(() => slot.sending.forEach((giveUp) => giveUp()), ABANDON_MS);
      slot.ending.abort(new Error(`no answer within ${timeoutMs} ms`));
    };
    // Counted from the last one that may join: none has less than its time.
    const slot: Slot = { bornMs, ending: new AbortController(), timer: setTimeout(end, timeoutMs + sharedMs), sending: new Set() };
    // A sink may listen once for each message: that is no leak, and no reason for Node's warning.
    setMaxListeners(0, slot.ending.signal);
    stop.addEventListener('abort', end);
    // A signal that has aborted tells nobody any more.
    if (stop.aborted) end();
    return slot;
  };

  const letGo = ({ ending, timer }: Slot): void => {
    if (ending.signal.aborted) clearTimeout(timer);
    else timer.unref();
  };

  return {
    async run(send) {
      const nowMs = performance.now();
      const joins = current !== null && !current.ending.signal.aborted && nowMs - current.bornMs < sharedMs;
      const slot = joins && current !== null ? current : (current = open(nowMs));
      let giveUp = (): void => undefined;
      const abandoned = new Promise<null>((resolve) => (giveUp = () => resolve(null)));
      slot.sending.add(giveUp);
      slot.timer.ref();
      try {
        return await Promise.race([send(slot.ending.signal), abandoned]);
      } finally {
        slot.sending.delete(giveUp);
        // Nobody waits for it, and so must no process.
        if (slot.sending.size === 0) letGo(slot);
      }
    },
  };
}
