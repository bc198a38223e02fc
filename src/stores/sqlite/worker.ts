import { parentPort, workerData } from 'node:worker_threads';
import { explained } from './database.js';
import { isDamage, kindOf } from './faults.js';
import { packPage, type PackedPage } from './page.js';
import type { Request, Response, ThreadOptions } from './protocol.js';
import { createReader } from './reader.js';
import { salvage } from './salvage.js';
import { createWriter } from './writer.js';

// The entry of all threads: answers calls by name, in the order they come.
const { role, path, ...limits } = workerData as ThreadOptions;
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

type Call = (...args: never[]) => unknown;

const create: Readonly<Record<ThreadOptions['role'], () => object>> = {
  writer: () => createWriter(path, limits),
  reader: () => {
    const reader = createReader(path);
    return { ...reader, due: (...asked: Parameters<typeof reader.due>) => packPage(reader.due(...asked)) };
  },
  salvager: () => ({ salvage: (file: string, nowMs: number) => explained(file, () => salvage(file, nowMs)) }),
};

let calls = new Map<string, Call>();
try {
  calls = new Map(Object.entries<Call>({ ...explained(path, create[role]) }));
  port.postMessage({ id: 0, ok: true, result: null } satisfies Response);
} catch (error) {
  port.postMessage(failure(0, error));
  port.close();
}

port.on('message', ({ id, name, args }: Request) => {
  try {
    const result = calls.get(name)?.(...(args as never[]));
    port.postMessage({ id, ok: true, result } satisfies Response, name === 'due' ? [(result as PackedPage).bodies] : []);
  } catch (error) {
    port.postMessage(failure(id, error));
  }
  if (name === 'close') port.close();
});

function failure(id: number, error: unknown): Response {
  const what = error instanceof Error ? error.message : String(error);
  const named = isDamage(error) && !what.startsWith(path) ? `${path} is damaged (${what})` : what;
  return { id, ok: false, error: named, fault: kindOf(error) };
}
