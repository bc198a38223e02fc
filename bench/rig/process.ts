import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { guard } from '../../test/guard.js';

/** What processes have used so far, all together. */
export interface Usage {
  readonly cpuMs: number;
  readonly writtenBytes: number;
}

/** User and system time, fields 14 and 15 of /proc/PID/stat (in hundredths of a second), and what was sent to the disk. All threads are in both. */
export function usageOf(pids: readonly number[]): Usage {
  const all = pids.map((pid) => {
    const fields = statOf(pid);
    const written = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1];
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, writtenBytes: Number(written) };
  });
  return { cpuMs: sum(all.map(({ cpuMs }) => cpuMs)), writtenBytes: sum(all.map(({ writtenBytes }) => writtenBytes)) };
}

/** Memory that is resident now, or was at the most, in MB. */
export function rssMb(pids: readonly number[], which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  return sum(pids.map((pid) => Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]))) / 1_024;
}

/** The fields after the name, which is in parentheses and may hold anything. */
function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}

/** A process that is ended with this one, however that ends. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** How it has ended; null: it runs. */
  ended(): string | null;
  /** The signal, SIGKILL where that is not heard, and the wait for its end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const TERM_MS = 30_000;
const running = new Set<Child>();

export function startChild(command: string, args: readonly string[], options: SpawnOptions): Child {
  const child = spawn(command, args, options);
  // The one that is not found says so by this event alone.
  let failed: string | null = null;
  child.on('error', (error) => (failed = error.message));
  const guarding = guard('kill -9 "$1"', String(child.pid));
  child.once('exit', () => {
    guarding.release();
    running.delete(self);
  });
  const self: Child = {
    process: child,
    pid: child.pid ?? 0,
    ended: () => failed ?? (child.exitCode === null && child.signalCode === null ? null : `${command} ended (${child.exitCode ?? child.signalCode})`),
    end: async (signal = 'SIGTERM') => {
      if (self.ended() !== null) return;
      const exited = once(child, 'exit');
      const killing = setTimeout(() => child.kill('SIGKILL'), TERM_MS);
      child.kill(signal);
      await exited;
      clearTimeout(killing);
    },
  };
  running.add(self);
  return self;
}

export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.end('SIGKILL')));
}

/** Below the ports that the system gives to connections by itself. */
export async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(true));
    });
  });
  return free ? port : freePort();
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const UNTIL_MS = 300_000;

/** Waits for a fact, looking every `everyMs`. Rejects when it is not one after `withinMs`. */
export async function until(what: string, fact: () => boolean | Promise<boolean>, everyMs = 25, withinMs = UNTIL_MS): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await fact())) {
    if (performance.now() > endMs) throw new Error(`waited ${withinMs / 1_000} s for this, in vain: ${what}`);
    await sleep(everyMs);
  }
}

/** The monotonic clock of the machine, in ms: the same in every process. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
