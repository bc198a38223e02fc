// The threads' entry, with one fault on demand: the words in the file PATH.fault say which, and are gone when the fault strikes.
import { register } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { strikes } from './faulty-sqlite.mjs';

register('./faulty-sqlite.mjs', import.meta.url);
parentPort.addEventListener('message', (event) => {
  if (!strikes('throws')) return;
  event.stopImmediatePropagation();
  throw new Error('a bug');
});
if (strikes('cannot start')) throw new Error('no start');
await import('../../dist/stores/sqlite/worker.js');
