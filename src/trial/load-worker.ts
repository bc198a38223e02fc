import { parentPort, workerData } from 'node:worker_threads';
import { createReading } from '../config/watch.js';
import { kinds } from '../kinds.js';
import type { LoadOptions, ReadAside } from './load-thread.js';
import { loadTested } from './tested.js';

const { file, env } = workerData as LoadOptions;
const { read, contents } = createReading();
const loaded = loadTested(file, env, kinds, read);
const answer: ReadAside = { contents, loaded: loaded.ok ? { ok: true, checked: loaded.checked, warnings: loaded.warnings } : loaded };
parentPort?.postMessage(answer);
