import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guard } from '../guard.js';

const run = promisify(execFile);

/** A file system of its own that is soon full. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes all that is free. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  close(): Promise<void>;
}

/** The load alone writes 60 MB in the minute that the longest fault beside it takes. */
const MIB = 256;

/** Why no file system can be mounted here; null where it can. */
export async function whyNoSmallDisk(): Promise<string | null> {
  try {
    await (await mountSmallDisk()).close();
    return null;
  } catch (error) {
    return `mount is not permitted (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`;
  }
}

export async function mountSmallDisk(): Promise<SmallDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${MIB}m`, 'tmpfs', folder]);
  const guarding = guard('umount -l "$1"; rmdir "$1"', folder);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: () => {
      const file = openSync(filler, 'a');
      for (const bytes of [1 << 20, 1 << 12, 1]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(bytes));
        } catch {
          // Full, for pieces of this size.
        }
      }
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    close: async () => {
      guarding.release();
      await run('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
