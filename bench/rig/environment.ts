import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { wrkVersion } from './generator.js';

/** Where a run was made, a line a fact; its databases are in `folder`. */
export async function environment(folder: string): Promise<Readonly<Record<string, string>>> {
  const [generator, mount] = [await wrkVersion(), mountOf(folder)];
  return {
    Date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    Commit: `${said('git', 'rev-parse', '--short', 'HEAD')}${said('git', 'status', '--porcelain', '--untracked-files=no') === '' ? '' : ', with changes'}`,
    CPU: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, load generator and receivers included`,
    Memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    Kernel: release(),
    Node: process.versions.node,
    Disk: mount,
    'Load generator': generator === null ? 'autocannon (there is no wrk: apt-get install wrk)' : `${generator}, with a script in Lua`,
    'Load average at the start': loadavg()
      .map((load) => load.toFixed(2))
      .join(', '),
  };
}

const MACS = 10_000;

/** What a thing that never changes costs now, in µs of CPU: a machine that is shared is not equally fast at all times, by CPU time neither. */
export function coreSpeedUs(): number {
  const body = Buffer.alloc(1_024);
  const work = (): void => {
    for (let n = 0; n < MACS; n++) createHmac('sha256', 'key').update(body).digest();
  };
  work();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / MACS;
}

/** Type and device of the file system that a folder is in. */
function mountOf(folder: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => `${folder}/`.startsWith(at === '/' ? '/' : `${at}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  const [device = '', at = '', type = 'unknown'] = mounts[0] ?? [];
  return `${type} on ${device}, mounted at ${at}`;
}

function said(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
