import type { Writable } from 'node:stream';
import { Type, type Static } from '../schema/typebox.js';
import type { Outcome } from '../core/outcome.js';
import type { Message, Sink, SinkKind } from '../core/sink.js';

const Config = Type.Object({});

/** Writes one JSON line an event to standard output. */
export const consoleSink: SinkKind<Static<typeof Config>, null> = {
  type: 'console',
  description: 'One JSON line an event on standard output: `deliveryId`, `source`, `type`, `id`, `receivedAt` and `body`.',
  schema: Config,
  lane: { concurrency: 1, batch: 100, timeoutMs: 10_000, pacePerSecond: null },
  prepare: () => () => null,
  preview: (_config, message) => ({ line: lineOf(message) }),
  open: () => openLines(process.stdout),
};

/** The same over any stream. Delivered when the stream has handed the lines on; a closed one is a fault that is tried again. */
export function openLines(stream: Writable): Sink<null> {
  // Without a listener a closed pipe would end the process; the write's own callback says what happened.
  const ignore = (): void => undefined;
  stream.on('error', ignore);
  return {
    async send(batch, signal) {
      const lines = batch.map((message) => `${lineOf(message)}\n`).join('');
      const outcome = await write(stream, lines, signal);
      return batch.map(() => outcome);
    },
    close: () => {
      stream.off('error', ignore);
      return Promise.resolve();
    },
  };
}

/** What a stream that nobody reads is given. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

function write(stream: Writable, text: string, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const expired = (): void => resolve({ kind: 'retry', reason: 'timeout', answer: 'nobody reads the console', holdSink: true });
    // Each attempt would put the same lines behind those that wait.
    if (signal.aborted || stream.writableLength > WAITING_BYTES_MAX) {
      expired();
      return;
    }
    signal.addEventListener('abort', expired, { once: true });
    stream.write(text, (error) => {
      signal.removeEventListener('abort', expired);
      resolve(error ? { kind: 'retry', reason: 'closed', answer: error.message, holdSink: true } : { kind: 'delivered', answer: '' });
    });
  });
}

/** The body stands in the line as it was received, so that no number and no order of keys changes: only line ends, which JSON has between its parts alone, become spaces. */
function lineOf({ deliveryId, event, body, dead }: Message<null>): string {
  const { source, type, id, receivedAt } = event;
  const head = JSON.stringify({ deliveryId, source, type, id, receivedAt, ...(dead !== undefined && { dead }) });
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  return `${head.slice(0, -1)},"body":${isJson(text) ? inOneLine(text.trim()) : JSON.stringify(text)}}`;
}

function inOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
