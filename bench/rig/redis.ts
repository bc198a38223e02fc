import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { listening } from './baseline.js';
import { freePort, startChild } from './process.js';

export interface Redis {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export function whyNoRedis(): Promise<string | null> {
  return promisify(execFile)('redis-server', ['--version']).then(
    () => null,
    () => 'there is no redis-server: apt-get install redis-server',
  );
}

/** Keeps nothing on disk: the cheapest there is. */
export async function startRedis(folder: string): Promise<Redis> {
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, '--daemonize', 'no'];
  const child = startChild('redis-server', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  await listening(port, child);
  return { url: `redis://127.0.0.1:${port}`, pid: child.pid, stop: () => child.end() };
}
