// Loaded into the bridge before everything else, and into each of its threads: from one SIGUSR2 to the next they are profiled, and write down what they did.
// BENCH_PROFILES names the folder: an empty file for each thread that has begun, and what it did in its place.
import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';

/** What one thread did meanwhile. */
export interface ThreadProfile {
  /** `main`, or what the store calls its thread. */
  readonly thread: string;
  /** User and system time, all of it. */
  readonly cpuUs: number;
  /** And what it took before, to begin. */
  readonly startUs: number;
  readonly profile: Profiler.Profile;
}

const EVERY_US = 1_000;
const file = join(process.env['BENCH_PROFILES'] ?? '', `${readlinkSync('/proc/thread-self').replaceAll('/', '-')}.json`);
const session = new Session();
const channel = new BroadcastChannel('bench-profiler');
let began: { readonly atUs: number; readonly startUs: number } | null = null;

if (isMainThread)
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    void toggle();
  });
channel.onmessage = () => void toggle();
channel.unref();

async function toggle(): Promise<void> {
  if (began === null) {
    const enteredUs = cpuUs();
    writeFileSync(file, '');
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: EVERY_US });
    await session.post('Profiler.start');
    const atUs = cpuUs();
    began = { atUs, startUs: atUs - enteredUs };
    return;
  }
  const used = cpuUs() - began.atUs;
  const { profile } = await session.post('Profiler.stop');
  const { role } = isMainThread ? { role: 'main' } : (workerData as { role: string });
  const found: ThreadProfile = { thread: role, cpuUs: used, startUs: began.startUs, profile };
  writeFileSync(`${file}.part`, JSON.stringify(found));
  renameSync(`${file}.part`, file);
}

function cpuUs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1_000;
}
