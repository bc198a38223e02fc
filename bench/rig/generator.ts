import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Batch } from './events.js';
import { startChild } from './process.js';
import { program } from './programs.js';

/** What a closed loop came to. */
export interface Loaded {
  /** Answered 2xx. */
  readonly answered: number;
  /** Taken from the batch; what is beyond `answered` was under way at the end. */
  readonly sent: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export const CONNECTIONS = 64;
const SCRIPT = new URL('../programs/wrk.lua', import.meta.url).pathname;

interface Printed extends Omit<Loaded, 'answered' | 'perSecond'> {
  readonly requests: number;
  readonly durationMs: number;
  readonly refused: number;
  readonly broken: number;
  readonly exhausted: number;
}

/** The batch was used up before the time was. */
export class Exhausted extends Error {
  override readonly name = 'Exhausted';
}

/** The version of wrk; null: there is none. */
export function wrkVersion(): Promise<string | null> {
  // It says its version, and exits 1.
  return promisify(execFile)('wrk', ['-v']).then(
    ({ stdout }) => stdout.split('\n')[0]?.trim() ?? 'wrk',
    (error: unknown) => ((error as { stdout?: string }).stdout ?? '').split(' Copyright')[0] || null,
  );
}

/** Sends the batch over `CONNECTIONS` connections as fast as it is answered, for so long, from a process of its own. Rejects where an answer was no 2xx. */
export async function closedLoop(url: string, batch: Batch, seconds: number): Promise<Loaded> {
  const of = [batch.file, String(batch.requestBytes), String(batch.count)];
  const child =
    (await wrkVersion()) !== null
      ? startChild('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '20s', '-s', SCRIPT, url, '--', ...of], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
      : startChild(process.execPath, [await program('autocannon'), url, ...of, String(CONNECTIONS), String(seconds)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  let text = '';
  child.process.stdout?.on('data', (chunk) => (text += String(chunk)));
  await once(child.process, 'close');
  const line = text.split('\n').findLast((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`the load generator said nothing: ${text}`);
  const { requests, durationMs, refused, broken, exhausted, ...loaded } = JSON.parse(line) as Printed;
  if (exhausted === 1) throw new Exhausted(`${batch.count} events were not enough for ${seconds} s`);
  if (refused + broken > 0) throw new Error(`${refused} answers were no 2xx, ${broken} requests broke: a run that loses something has no speed`);
  return { ...loaded, answered: requests, perSecond: (requests / durationMs) * 1_000 };
}
