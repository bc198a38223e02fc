import type { Writable } from 'node:stream';

/** Work that is over sooner shows nothing. */
const QUIET_MS = 1_000;
/** Between two lines where standard error is no terminal, but a log. */
const EVERY_MS = 5_000;
const EVERY_MS_ON_TERMINAL = 100;

/** Tells how far long work is: on a terminal one line that changes, elsewhere a line every few seconds. Never on standard output. */
export interface Progress {
  show(text: string): void;
  /** Takes the line away, before anything else is written. */
  end(): void;
}

export function createProgress(stream: Pick<Writable, 'write'> & { readonly isTTY?: boolean }, clockMs: () => number): Progress {
  let nextMs = clockMs() + QUIET_MS;
  let stands = false;
  return {
    show(text) {
      if (clockMs() < nextMs) return;
      nextMs = clockMs() + (stream.isTTY ? EVERY_MS_ON_TERMINAL : EVERY_MS);
      stream.write(stream.isTTY ? `\r${text}\x1b[K` : `${text}\n`);
      stands = stream.isTTY === true;
    },
    end() {
      if (stands) stream.write('\r\x1b[K');
      stands = false;
    },
  };
}
