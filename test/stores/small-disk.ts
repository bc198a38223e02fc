import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { directory } from './sqlite-rig.js';

/** A disk of 4 MiB; null where this process may not mount one. */
export function smallDisk(): string | null {
  const disk = directory();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'castbridge-test', disk]).status !== 0) return null;
  onTestFinished(() => void spawnSync('umount', ['-l', disk]));
  return disk;
}

/** Writes until there is no room. */
export function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let written = 1; written > 0;) written = writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(file);
  }
}
