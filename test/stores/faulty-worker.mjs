// The threads' entry, with one fault on demand: the words in the file PATH.fault say which, and are gone when the fault strikes.
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { file, strikes } from './faulty-sqlite.mjs';

register('./faulty-sqlite.mjs', import.meta.url);
parentPort.addEventListener('message', (event) => {
  if (!strikes('throws')) return;
  event.stopImmediatePropagation();
  throw new Error('a bug');
});
if (strikes('waits to start')) while (!existsSync(`${file}.over`)) await setTimeout(10);
if (strikes('cannot start')) throw new Error('no start');
await import('../../dist/stores/sqlite/worker.js');
