import { Image } from './image.js';

/** The disk tears a write between two of these. */
const SECTOR_BYTES = 512;

/** One change of a file or a name, or one promise about it, as shim.c wrote it down. */
export interface Entry {
  readonly what: 'write' | 'truncate' | 'create' | 'unlink' | 'rename' | 'synced' | 'sync failed';
  /** Within the directory; '' for the directory itself. */
  readonly name: string;
  /** Offset of a write, length of a truncate. */
  readonly at: number;
  /** What was written, or the new name. */
  readonly data: Buffer;
}

type Change = Pick<Entry, 'at' | 'data'> & { readonly what: 'write' | 'truncate' };

/** One file: what reads see, what the disk certainly has, and what the disk may or may not have of the difference. */
interface File {
  readonly cache: Image;
  readonly disk: Image;
  pending: Change[];
}

type NameChange = (names: Map<string, File>) => void;

const WHAT = { W: 'write', T: 'truncate', C: 'create', U: 'unlink', R: 'rename', S: 'synced', F: 'sync failed' } as const;
const HEAD_BYTES = 16;

/** The entries of a journal, without those that were taken back and without one that was cut short by the end of its process. */
export function entriesOf(journal: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + HEAD_BYTES <= journal.length;) {
    const nameEnd = at + HEAD_BYTES + journal.readUInt16LE(at + 2);
    const end = nameEnd + journal.readUInt32LE(at + 4);
    if (end > journal.length) break;
    const code = String.fromCharCode(journal[at] ?? 0) as keyof typeof WHAT | 'X';
    const name = journal.toString('utf8', at + HEAD_BYTES, nameEnd);
    if (code === 'X') entries.pop();
    else entries.push({ what: WHAT[code], name, at: Number(journal.readBigInt64LE(at + 8)), data: journal.subarray(nameEnd, end) });
    at = end;
  }
  return entries;
}

/**
 * A directory's files as their process sees them, and as a power cut leaves them. The model:
 * - A successful fsync makes everything written to that file before it durable.
 * - Of what was written since, any 512-byte sectors are there, old or new, in any combination; a truncate is there or not.
 * - A failed fsync settles what was pending in the same way, for good: the kernel calls the pages clean and never writes them again by itself.
 * - Names (create, unlink, rename) are there in their order up to any point since the directory itself was synced. Stricter than ext4, where the
 *   fsync of a new file takes its name along.
 * Not modelled: sectors that read as errors or as garbage, subdirectories, modes and times.
 */
export class Disk {
  readonly #random: () => number;
  readonly #files: Map<string, File>;
  #durableNames: Map<string, File>;
  #pendingNames: NameChange[] = [];

  constructor(files: ReadonlyMap<string, Buffer>, random: () => number) {
    this.#random = random;
    this.#files = new Map([...files].map(([name, bytes]) => [name, fileOf(bytes)]));
    this.#durableNames = new Map(this.#files);
  }

  apply(entry: Entry): void {
    switch (entry.what) {
      case 'create': {
        const file = fileOf();
        this.#rename((names) => void names.set(entry.name, file));
        return;
      }
      case 'unlink': {
        this.#rename((names) => void names.delete(entry.name));
        return;
      }
      case 'rename': {
        this.#file(entry, (file) =>
          this.#rename((names) => {
            names.delete(entry.name);
            names.set(entry.data.toString(), file);
          }),
        );
        return;
      }
      case 'synced':
        if (entry.name === '') this.#syncNames();
        else this.#file(entry, (file) => this.#flush(file, 1));
        return;
      case 'sync failed':
        if (entry.name !== '') this.#file(entry, (file) => this.#flush(file, this.#random()));
        return;
      case 'write':
      case 'truncate': {
        const change: Change = { what: entry.what, at: entry.at, data: entry.data };
        this.#file(entry, (file) => {
          applyChange(file.cache, change);
          file.pending.push(change);
        });
      }
    }
  }

  /** The files as their process sees them. */
  get seen(): Map<string, Buffer> {
    return new Map([...this.#files].map(([name, { cache }]) => [name, cache.bytes]));
  }

  /** The files as the power cut leaves them. */
  cut(): Map<string, Buffer> {
    const names = new Map(this.#durableNames);
    const reached = Math.floor(this.#random() * (this.#pendingNames.length + 1));
    for (const change of this.#pendingNames.slice(0, reached)) change(names);
    // A likelihood for each file: often all of one and nothing of another, as when a checkpoint reached the disk and the log did not.
    for (const file of names.values()) this.#flush(file, this.#random() * 1.5 - 0.25);
    return new Map([...names].map(([name, { disk }]) => [name, disk.bytes]));
  }

  #rename(change: NameChange): void {
    change(this.#files);
    this.#pendingNames.push(change);
  }

  #syncNames(): void {
    this.#durableNames = new Map(this.#files);
    this.#pendingNames = [];
  }

  #file({ what, name }: Entry, use: (file: File) => void): void {
    // What is still written to a file that was removed is gone with it.
    if (name.endsWith(' (deleted)')) return;
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`${what} of ${name}, which nobody made: something goes past the shim`);
    use(file);
  }

  /** Settles what is pending: every sector reaches the disk with this likelihood, and 1 is certainty. */
  #flush(file: File, likelihood: number): void {
    for (const change of file.pending) {
      for (const part of likelihood >= 1 ? [change] : sectorsOf(change)) if (this.#random() < likelihood) applyChange(file.disk, part);
    }
    file.pending = [];
  }
}

function fileOf(bytes?: Buffer): File {
  return { cache: new Image(bytes), disk: new Image(bytes), pending: [] };
}

function applyChange(image: Image, { what, at, data }: Change): void {
  if (what === 'truncate') image.truncate(at);
  else image.write(at, data);
}

function sectorsOf(change: Change): Change[] {
  if (change.what === 'truncate') return [change];
  const parts: Change[] = [];
  for (let from = 0; from < change.data.length;) {
    const length = SECTOR_BYTES - ((change.at + from) % SECTOR_BYTES);
    parts.push({ what: 'write', at: change.at + from, data: change.data.subarray(from, from + length) });
    from += length;
  }
  return parts;
}
