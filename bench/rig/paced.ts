import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from './events.js';
import { CONNECTIONS } from './generator.js';
import { startChild } from './process.js';
import { program } from './programs.js';

/** When each event of a batch was due, and when it was answered, on the clock of `machineMs`. */
export interface Paced {
  readonly dueMs: Float64Array;
  readonly answeredMs: Float64Array;
}

/** Sends the whole batch at an even rate, from a process of its own, and waits for every answer. Rejects where one was no 2xx. */
export async function offer(folder: string, url: string, batch: Batch, perSecond: number): Promise<Paced> {
  const args = [new URL(url).port, batch.file, batch.requestBytes, batch.count, perSecond, CONNECTIONS].map(String);
  const child = startChild(process.execPath, [await program('paced'), ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child.process, 'exit').then(() => {
    throw new Error('the paced load generator ended');
  });
  ended.catch(() => undefined);
  const told = (): Promise<unknown> => Promise.race([once(child.process, 'message'), ended]);
  await told();
  const result = join(folder, `${batch.run}.paced`);
  child.process.send(result);
  const [{ refused }] = (await told()) as [{ refused: number }];
  await child.end('SIGKILL');
  const bytes = readFileSync(result);
  rmSync(result);
  if (refused > 0) throw new Error(`${refused} answers were no 2xx: a run that loses something has no speed`);
  const both = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { dueMs: both.subarray(0, batch.count), answeredMs: both.subarray(batch.count) };
}
