import { statSync } from 'node:fs';
import { StoreUnavailable } from '../../core/store.js';

/**
 * Notes which files an open database is. The check throws once the path leads to others: SQLite would go on writing to files without a name, which are gone
 * when they are closed. It passes again when they are put back.
 */
export function createPlaceCheck(path: string): () => void {
  // The WAL has what was committed last; it exists from the first reading on.
  const files = [path, `${path}-wal`].map((name) => ({ name, opened: identityOf(name) }));
  return () => {
    for (const { name, opened } of files) if (identityOf(name) !== opened) throw new StoreUnavailable(`${name} ${MOVED}`);
  };
}

const MOVED =
  'was moved, removed or replaced while the bridge runs, and nothing is written to what is nowhere to be found: put it back, or restart the bridge to use what is there now';

function identityOf(name: string): string | null {
  const stat = statSync(name, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`;
}
