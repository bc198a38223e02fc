import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Of the two magic numbers, the one whose checksums read words with the most significant byte first. */
const MAGIC_BIG_ENDIAN = 0x377f0683;
const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const PAGE_BYTES = 4_096;

/** What SQLite will not read though it was committed. */
export interface UnusableFrames {
  readonly frames: number;
  readonly commits: number;
}

/**
 * Walks a WAL as SQLite does when it opens one (https://www.sqlite.org/fileformat2.html#the_write_ahead_log), and goes on where SQLite stops: at the first
 * frame whose checksum fails. Null where nothing that was acknowledged lies behind it.
 *
 * A commit is synced before the next transaction writes its first frame. So a commit frame that another frame continues (its checksum is built on the
 * commit's) was on stable storage once, and whatever fails before it is damage. Without such a successor it cannot be told from the last transaction of a
 * machine that lost its power, whose sectors reach the disk in any order, and which nobody was told had been committed: nothing is said of that, nor of a
 * file that was cut.
 */
export function unusableFrames(file: string): UnusableFrames | null {
  if (!existsSync(file)) return null;
  const descriptor = openSync(file, 'r');
  try {
    const bytes = fstatSync(descriptor).size;
    const read = (offset: number, length: number): Buffer => {
      const buffer = Buffer.alloc(length);
      readSync(descriptor, buffer, 0, length, offset);
      return buffer;
    };
    return bytes < HEADER_BYTES + FRAME_HEADER_BYTES ? null : walk(read, bytes);
  } finally {
    closeSync(descriptor);
  }
}

function walk(read: (offset: number, length: number) => Buffer, bytes: number): UnusableFrames | null {
  const header = read(0, HEADER_BYTES);
  const first = read(HEADER_BYTES, FRAME_HEADER_BYTES);
  const intact = isHeaderIntact(header);
  // The header is synced before a frame follows it, and is too short to be torn; a damaged one loses every frame that has the salt of the first.
  const salt = intact ? header.subarray(16, 24) : first.subarray(8, 16);
  const bigEndian = intact ? header.readUInt32BE(0) === MAGIC_BIG_ENDIAN : false;
  let seed: Sum = [header.readUInt32BE(24), header.readUInt32BE(28)];
  let usable = intact;
  let sinceCommit = 0;
  let commits = 0;
  let frames = 0;
  let afterCommit = false;
  for (let offset = HEADER_BYTES; offset + FRAME_HEADER_BYTES + PAGE_BYTES <= bytes; offset += FRAME_HEADER_BYTES + PAGE_BYTES) {
    const frame = read(offset, FRAME_HEADER_BYTES + PAGE_BYTES);
    const stored: Sum = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
    const current = frame.subarray(8, 16).equals(salt);
    const continues = current && isEqual(sumOf(frame, seed, bigEndian), stored);
    const isCommit = current && frame.readUInt32BE(4) > 0;
    usable &&= continues;
    if (current) sinceCommit += 1;
    if (usable && isCommit) sinceCommit = 0;
    // The frame before was a commit that SQLite does not reach, and this one was written after its sync.
    if (!usable && continues && afterCommit) commits += 1;
    if (commits > 0) frames = sinceCommit;
    afterCommit = !usable && isCommit;
    seed = stored;
  }
  return commits === 0 ? null : { frames, commits };
}

function isHeaderIntact(header: Buffer): boolean {
  const magic = header.readUInt32BE(0);
  if (magic !== MAGIC_BIG_ENDIAN && magic !== MAGIC_LITTLE_ENDIAN) return false;
  if (header.readUInt32BE(8) !== PAGE_BYTES) return false;
  const sum = checksum(header.subarray(0, 24), [0, 0], magic === MAGIC_BIG_ENDIAN);
  return isEqual(sum, [header.readUInt32BE(24), header.readUInt32BE(28)]);
}

type Sum = readonly [number, number];

/** Over a frame's page number and size, then its page, from the sum of the frame before. */
function sumOf(frame: Buffer, seed: Sum, bigEndian: boolean): Sum {
  return checksum(frame.subarray(FRAME_HEADER_BYTES), checksum(frame.subarray(0, 8), seed, bigEndian), bigEndian);
}

function checksum(bytes: Buffer, [first, second]: Sum, bigEndian: boolean): Sum {
  let [one, two] = [first, second];
  for (let offset = 0; offset < bytes.length; offset += 8) {
    const [left, right] = bigEndian
      ? [bytes.readUInt32BE(offset), bytes.readUInt32BE(offset + 4)]
      : [bytes.readUInt32LE(offset), bytes.readUInt32LE(offset + 4)];
    one = (one + left + two) >>> 0;
    two = (two + right + one) >>> 0;
  }
  return [one, two];
}

function isEqual(one: Sum, other: Sum): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
