import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { shimLibrary } from './compile.js';
import { Disk, entriesOf, type Entry } from './disk.js';

/** What the disk under the bridge, and its clock, do from now on. Every fault can begin and end while the process runs. */
export interface Shim {
  /** Puts the shim into the process that is started with it. */
  readonly env: Readonly<Record<string, string>>;
  /** fsync and fdatasync fail, the next `count` of them or until `heal`. */
  failSyncs(code: Fault, count?: number): void;
  /** Writes and truncates fail; with `short`, the first write takes half of its bytes, as on a disk that fills up. */
  failWrites(code: Fault, options?: { readonly count?: number; readonly short?: boolean }): void;
  /** fsync says yes and does nothing: what a test of durability must notice. */
  fakeSyncs(): void;
  /** Every fsync takes that much longer. */
  slowSyncs(ms: number): void;
  /** The wall clock is that far ahead of the true one (negative: behind). The monotonic clock is not touched. */
  shiftClock(ms: number): void;
  /** SIGKILL instead of the n-th change from now on; with `mainFileOnly`, SQLite's log of writes does not count: that is in a checkpoint. */
  killIn(changes: number, options?: { readonly mainFileOnly?: boolean }): void;
  /** The disk is right again. */
  heal(): void;
  /** Calls on the directory's files so far, by all processes. */
  readonly seen: Readonly<Record<'syncs' | 'syncsFailed' | 'writes' | 'writesFailed', number>>;
  /** Puts in the place of the directory's files what a power cut leaves of them (see Disk). The process must be dead, by SIGKILL. */
  powerCut(random: () => number): void;
  cleanUp(): void;
}

export type Fault = 'EIO' | 'ENOSPC';

/** Offsets in the control file: `struct control` in shim.c. */
const AT = { clock: 0, syncs: 8, writes: 16, delay: 24, lies: 28, short: 32, death: 36, seen: 48 } as const;
const CONTROL_BYTES = 64;

/** A shim for the files in one directory, which need not exist yet. What is in it now is on the disk. Rejects where `whyNoShim` has a reason. */
export async function shimmed(dataDirectory: string): Promise<Shim> {
  const library = await shimLibrary();
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const data = realpathSync(dataDirectory);
  const own = mkdtempSync(join(tmpdir(), 'castbridge-shim-'));
  const [controlPath, journalPath] = [join(own, 'control'), join(own, 'journal')];
  writeFileSync(controlPath, Buffer.alloc(CONTROL_BYTES));
  writeFileSync(journalPath, '');
  const control = openSync(controlPath, 'r+');
  /** The files when the journal began. */
  let before = filesIn(data);

  const set = (at: number, ...values: readonly number[]): void => {
    writeSync(control, Buffer.from(Int32Array.from(values).buffer), 0, values.length * 4, at);
  };

  return {
    env: {
      LD_PRELOAD: library,
      CASTBRIDGE_SHIM_CONTROL: controlPath,
      CASTBRIDGE_SHIM_JOURNAL: journalPath,
      CASTBRIDGE_SHIM_DATA: data,
    },
    failSyncs: (code, count = -1) => set(AT.syncs, constants.errno[code], count),
    failWrites: (code, { count = -1, short = false } = {}) => {
      set(AT.short, short ? 1 : 0);
      set(AT.writes, constants.errno[code], count);
    },
    fakeSyncs: () => set(AT.lies, 1),
    slowSyncs: (ms) => set(AT.delay, ms),
    shiftClock: (ms) => void writeSync(control, Buffer.from(BigInt64Array.of(BigInt(ms)).buffer), 0, 8, AT.clock),
    killIn: (changes, { mainFileOnly = false } = {}) => set(AT.death, changes, mainFileOnly ? 1 : 0),
    heal: () => set(AT.syncs, 0, 0, 0, 0, 0, 0, 0),
    get seen() {
      const counters = readFileSync(controlPath).subarray(AT.seen);
      const at = (index: number): number => counters.readInt32LE(index * 4);
      return { syncs: at(0), syncsFailed: at(1), writes: at(2), writesFailed: at(3) };
    },
    powerCut: (random) => {
      const disk = new Disk(before, random);
      const entries = entriesOf(readFileSync(journalPath));
      for (const entry of entries) disk.apply(entry);
      refuseUnexplained(disk.seen, filesIn(data), entries.at(-1));
      const left = disk.cut();
      for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
      for (const [name, bytes] of left) writeFileSync(join(data, name), bytes, { mode: 0o600 });
      writeFileSync(journalPath, '');
      before = left;
    },
    cleanUp: () => {
      closeSync(control);
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** All but SQLite's shared memory, which is no file to it: it is made anew after a crash. */
function filesIn(directory: string): Map<string, Buffer> {
  const names = readdirSync(directory).filter((name) => !name.endsWith('-shm'));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
}

/** The journal must explain every byte of the files as they are, or the shim has missed a call. */
function refuseUnexplained(expected: ReadonlyMap<string, Buffer>, found: ReadonlyMap<string, Buffer>, last: Entry | undefined): void {
  const disk = new Disk(found, () => 0);
  // It may have been noted and not done when the process was killed; done again, it changes nothing.
  if (last !== undefined && !(last.what === 'rename' && !found.has(last.name))) disk.apply(last);
  const { seen } = disk;
  for (const name of new Set([...expected.keys(), ...seen.keys()])) {
    const [bytes, real] = [expected.get(name), seen.get(name)];
    if (bytes === undefined || real === undefined || !bytes.equals(real))
      throw new Error(`${name} is not as the journal says: something goes past the shim`);
  }
}
