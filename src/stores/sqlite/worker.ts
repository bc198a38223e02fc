import { parentPort, workerData } from 'node:worker_threads';
import { explained, textOf, UnusableDatabase } from './database.js';
import type { Request, Response, ThreadOptions } from './protocol.js';
import { createReader } from './reader.js';
import { createWriter } from './writer.js';

// The entry of both threads: answers calls by name, in the order they come.
const { role, path, ...limits } = workerData as ThreadOptions;
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

type Call = (...args: never[]) => unknown;

let calls = new Map<string, Call>();
try {
  const thread = explained(path, () => (role === 'writer' ? createWriter(path, limits) : createReader(path)));
  calls = new Map(Object.entries<Call>({ ...thread }));
  port.postMessage({ id: 0, ok: true, result: null } satisfies Response);
} catch (error) {
  port.postMessage(failure(0, error));
  port.close();
}

port.on('message', ({ id, name, args }: Request) => {
  try {
    const result = calls.get(name)?.(...(args as never[]));
    port.postMessage({ id, ok: true, result } satisfies Response);
  } catch (error) {
    port.postMessage(failure(id, error));
  }
  if (name === 'close') port.close();
});

function failure(id: number, error: unknown): Response {
  return { id, ok: false, error: textOf(error, path), unusable: error instanceof UnusableDatabase };
}
