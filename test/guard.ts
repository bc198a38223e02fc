import { spawn } from 'node:child_process';

/** Runs a line of shell when this process ends, however it ends: the pipe closes with it. Released, it does nothing. */
export function guard(script: string, ...args: readonly string[]): { release(): void } {
  const shell = spawn('sh', ['-c', `read -r _; ${script}`, 'guard', ...args], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.unref();
  return { release: () => void shell.kill() };
}
