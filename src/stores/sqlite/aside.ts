import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

// The files beside a damaged one. What was damaged is moved or copied, never deleted.

/** Damage was met: the next start salvages. */
const markerOf = (file: string): string => `${file}.damaged`;
/** A salvaged file while it is written, and once it is whole. */
export const draftOf = (file: string): string => `${file}.salvaging`;
const wholeOf = (file: string): string => `${file}.salvaged`;

export function isMarked(file: string): boolean {
  return existsSync(markerOf(file));
}

/** Leaves a note for the next start. On a full disk there may be no room for it: whoever meets the damage next leaves one. */
export function mark(file: string, detail: string): void {
  try {
    writeFileSync(markerOf(file), `${detail}\n`, { mode: 0o600 });
  } catch {
    return;
  }
}

/** Keeps a copy of the WAL, and says where. */
export function keepWal(file: string, nowMs: number): string {
  const copy = `${file}-wal.${suffix(nowMs)}`;
  try {
    copyFileSync(`${file}-wal`, copy);
    sync(copy);
  } catch (error) {
    // Half a copy takes the room that the next try needs.
    rmSync(copy, { force: true });
    throw error;
  }
  return copy;
}

/** Puts the draft, which is whole now, in the place of the damaged file; where that is kept now. Can be cut short anywhere: `finishReplacing` goes on. */
export function replace(file: string, nowMs: number): string {
  sync(draftOf(file));
  renameSync(draftOf(file), wholeOf(file));
  const kept = `${file}.${suffix(nowMs)}`;
  renameSync(file, kept);
  finishReplacing(file, kept);
  return kept;
}

/** Does what `replace` may have left undone: nothing is where the damaged file was, and the whole one waits. */
export function finishReplacing(file: string, kept = `${file}.${suffix(Date.now())}`): boolean {
  if (existsSync(file) || !existsSync(wholeOf(file))) return false;
  if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${kept}-wal`);
  rmSync(`${file}-shm`, { force: true });
  rmSync(markerOf(file), { force: true });
  renameSync(wholeOf(file), file);
  sync(dirname(file));
  return true;
}

/** Removes a database that nothing depends on yet. */
export function discard(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true });
}

function suffix(nowMs: number): string {
  return `damaged-${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
