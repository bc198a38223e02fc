import { pino, type Logger } from 'pino';
import sonicBoom from 'sonic-boom';
import { isoOf } from '../core/event.js';

/** Lines that wait for a reader who does not read, in bytes; beyond it they are dropped: a log must not stop what it is about. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** How long lines are gathered: a write for each would cost as much as an event. */
const GATHER_MS = 200;
const FLUSH_MS = 1_000;

/** The log, and the way to its end. */
export interface ProcessLog {
  readonly log: Logger;
  /** Writes out what was gathered. False: nobody reads it. */
  readonly flush: () => Promise<boolean>;
}

/** JSON lines on standard error: standard output belongs to the console sink. */
export function createLog(level: string): ProcessLog {
  // As bytes: of the text that is gathered it would count the bytes anew with every line.
  const lines = new sonicBoom.SonicBoom({
    fd: 2,
    sync: false,
    contentMode: 'buffer',
    minLength: 4096,
    maxLength: WAITING_BYTES_MAX,
    periodicFlush: GATHER_MS,
  });
  // A full disk under the log, a pipe that was closed: the lines are lost, and nothing else.
  lines.on('error', () => undefined);
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${isoOf(Date.now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
  };
  return {
    log: pino(options, { write: (line) => void lines.write(Buffer.from(line) as never) }),
    flush: () =>
      new Promise((resolve) => {
        setTimeout(() => resolve(false), FLUSH_MS).unref();
        lines.flush(() => resolve(true));
      }),
  };
}
