import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** The bytes of a file. Throws where it cannot be read. */
export type ReadFile = (path: string) => Buffer;

/** What is in files, by path: a hash; null where one cannot be read. */
export type Contents = ReadonlyMap<string, string | null>;

/** Reads files, and remembers what was in them. */
export function createReading(): { readonly read: ReadFile; readonly contents: Contents } {
  const contents = new Map<string, string | null>();
  return {
    contents,
    read(path) {
      contents.set(path, null);
      const bytes = readFileSync(path);
      contents.set(path, hash(bytes));
      return bytes;
    },
  };
}

/**
 * Calls `changed` when the files hold something else than `loaded` says, at two looks in a row: an editor may still be writing, and a file that
 * is being replaced is gone for a moment. `changed` loads them again, so that `loaded` says what they hold. Ends when `nextLook` gives false.
 */
export async function watchFiles(loaded: () => Contents, changed: () => Promise<unknown>, nextLook: () => Promise<boolean>): Promise<void> {
  let last: Contents = new Map();
  while (await nextLook()) {
    const before = loaded();
    const now = await contentsOf(before);
    // Unless they were loaded during the look.
    if (loaded() === before && isDeepStrictEqual(now, last) && !isDeepStrictEqual(now, before)) await changed();
    last = now;
  }
}

/** How long there is between two looks: a change is taken up after one to two of these. */
const INTERVAL_MS = 1_000;

/** Looks until `signal` aborts. */
export function everySecond(signal: AbortSignal): () => Promise<boolean> {
  return () => pause(INTERVAL_MS, true, { signal, ref: false }).catch(() => false);
}

/** What is in these files now. */
export async function contentsOf(loaded: Contents): Promise<Contents> {
  return new Map(await Promise.all([...loaded].map(async ([path, before]) => [path, await contentOf(path, before)] as const)));
}

async function contentOf(path: string, before: string | null): Promise<string | null> {
  try {
    return (await isReadOnce(path)) ? before : hash(await readFile(path));
  } catch {
    return null;
  }
}

/** A pipe can be read once, and to open one may take for ever. */
export async function isReadOnce(path: string): Promise<boolean> {
  const about = await stat(path);
  return !about.isFile() && !about.isDirectory();
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
