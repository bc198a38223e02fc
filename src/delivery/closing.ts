import { pause } from '../core/pause.js';
import type { Sink } from '../core/sink.js';

/** A sink that does not let go of its far side this long is left: nothing of it is owed any more. */
const CLOSE_MS = 5_000;

/** Closes a sink, however it ends, and waits no longer than that. */
export async function closeSink(sink: Pick<Sink, 'close'>): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  sink.close().then(end, end);
  await pause(CLOSE_MS, over.signal);
}
