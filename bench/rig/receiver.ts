import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked } from './asked.js';
import { compareArrivals, type Compared } from './arrivals.js';
import type { Filled } from './fill.js';
import { startChild, until, type Child } from './process.js';
import { program } from './programs.js';

/** A process that receives events and writes them down. */
export interface Receiver {
  /** Of an HTTP sink. */
  readonly url: string;
  readonly child: Child;
  /** So many arrivals of a batch so far, repeated ones and all. */
  count(batch: Filled): Promise<number>;
  arrived(batch: Filled, count: number): Promise<void>;
  compare(batch: Filled): Promise<Compared>;
  end(): Promise<void>;
}

export const startReceiver = async (folder: string): Promise<Receiver> => start(folder, await program('receiver'), []);

export const startConsumer = async (folder: string, broker: string, topic: string): Promise<Receiver> =>
  start(folder, await program('consumer'), [broker, topic]);

async function start(folder: string, file: string, args: readonly string[]): Promise<Receiver> {
  const child = startChild(process.execPath, [file, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port }] = (await once(child.process, 'message')) as [{ port: number }];
  /** One question at a time: an answer does not say to which it belongs. */
  let asking: Promise<unknown> = Promise.resolve();
  const ask = (asked: Asked): Promise<number> => {
    const answer = asking.then(async () => {
      const ended = child.ended();
      if (ended !== null) throw new Error(`the receiver: ${ended}`);
      const answered = once(child.process, 'message');
      child.process.send(asked);
      return ((await answered) as [number])[0];
    });
    asking = answer.catch(() => undefined);
    return answer;
  };
  const count = ({ run }: Filled): Promise<number> => ask({ ask: 'count', run });
  return {
    url: `http://127.0.0.1:${port}/`,
    child,
    count,
    arrived: (batch, wanted) => until(`${wanted} arrivals`, async () => (await count(batch)) >= wanted),
    compare: async (batch) => {
      const saved = join(folder, `${batch.run}-${child.pid}.arrivals`);
      await ask({ ask: 'save', run: batch.run, file: saved });
      const compared = compareArrivals(saved, batch);
      rmSync(saved);
      return compared;
    },
    end: () => child.end('SIGKILL'),
  };
}
