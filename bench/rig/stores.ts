import { copyFileSync, closeSync, fsyncSync, mkdtempSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fillKeys, fillWaiting, type Filled } from './fill.js';
import type { Rig } from './rig.js';

/** The sink that what waits is owed to. */
export const DOWN = 'down';

const filled = new Map<string, Promise<Filled | null>>();

/** A copy, in a folder of its own, of a database that is made once a run. */
export async function copyOf(
  rig: Rig,
  kind: 'keys' | 'waiting',
  count: number,
  sink = DOWN,
): Promise<{ path: string; folder: string; filled: Filled | null }> {
  const original = join(rig.folder, `${kind}-${count}-${sink}.db`);
  const making = filled.get(original) ?? make(rig, original, kind, count, sink);
  filled.set(original, making);
  const made = await making;
  const folder = mkdtempSync(join(rig.folder, 'copy-'));
  const path = join(folder, 'bridge.db');
  copyFileSync(original, path);
  const copy = openSync(path, 'r+');
  // What is still to be written would be written beneath the syncs that are measured.
  fsyncSync(copy);
  closeSync(copy);
  return { path, folder, filled: made };
}

async function make(rig: Rig, path: string, kind: 'keys' | 'waiting', count: number, sink: string): Promise<Filled | null> {
  rig.say(`makes a store with ${count.toLocaleString('en')} ${kind === 'keys' ? 'keys' : 'waiting deliveries'}`);
  let made: Filled | null = null;
  if (kind === 'keys') await fillKeys(path, count);
  else made = await fillWaiting(path, count, sink);
  // It stays where a statement is still open, and is empty then.
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) throw new Error(`${path} was not closed whole`);
  return made;
}
