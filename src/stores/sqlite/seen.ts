import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { createHash } from 'node:crypto';

/** Entries a row of `dedup` holds. */
const PACK = 256;
const DIGEST_BYTES = 16;
const ENTRY_BYTES = DIGEST_BYTES + 4;
const SLOTS_MIN = 1 << 16;
/** Slots in use before the table grows. */
const LOAD_MAX = 0.6;

/** The digest of a source and a key. UTF-16: lone surrogates stay apart; the length keeps ("ab", "c") from ("a", "bc"). */
export function digestOf(source: string, key: string): Buffer {
  return createHash('sha256').update(`${source.length}:`).update(source, 'utf16le').update(key, 'utf16le').digest().subarray(0, DIGEST_BYTES);
}

/**
 * Which keys were seen, without a random index on disk: an open-addressing table in memory (8 bytes a slot: 32 bits of
 * the digest, and the event's seq), over packed digests on disk that confirm every hit and refill the table at start.
 */
export class Seen {
  #fingerprints = new Uint32Array(SLOTS_MIN);
  /** seq - #base + 1; 0: empty. */
  #references = new Uint32Array(SLOTS_MIN);
  #used = 0;
  #base = 0;
  /** The last row of `dedup`, while it fills. */
  #pack = { firstSeq: 0, count: 0, entries: Buffer.alloc(PACK * ENTRY_BYTES) };
  #undo: { readonly slots: number[]; readonly firstSeq: number; readonly count: number } = { slots: [], firstSeq: 0, count: 0 };
  readonly #packOf: StatementSyncInstance;
  readonly #save: StatementSyncInstance;
  readonly #oldest: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance) {
    this.#packOf = database.prepare('select first_seq, entries from dedup where first_seq <= ? order by first_seq desc limit 1');
    this.#save = database.prepare(
      'insert into dedup (first_seq, entries) values (?, ?) on conflict (first_seq) do update set entries = excluded.entries',
    );
    this.#oldest = database.prepare('select min(first_seq) as seq from dedup');
    const packs = database.prepare('select first_seq, entries from dedup order by first_seq').iterate() as Iterable<PackRow>;
    for (const pack of packs) this.#load(pack);
  }

  /** Before a transaction: makes room for `count` keys, so that none of them moves the others while it may be undone. */
  begin(count: number): void {
    if (this.#used + count > this.#references.length * LOAD_MAX) this.#grow(count);
    this.#undo = { slots: [], firstSeq: this.#pack.firstSeq, count: this.#pack.count };
  }

  /** True where the key was seen no longer than `windowS` before `receivedS`. A clock that went back never makes a key new. */
  has(digest: Buffer, receivedS: number, windowS: number): boolean {
    return this.#matches(digest).some((entry) => receivedS - entry.receivedS <= windowS);
  }

  /** The seq that follows the last one noted; null where none was. */
  get nextSeq(): number | null {
    return this.#pack.count === 0 ? null : this.#pack.firstSeq + this.#pack.count;
  }

  /** Rows of `dedup` before this one are complete: they may be pruned. */
  get firstSeqOfLast(): number {
    return this.#pack.firstSeq;
  }

  /** Seqs of all events with this key that are still known, oldest first. */
  find(digest: Buffer): number[] {
    return this.#matches(digest)
      .map((entry) => entry.seq)
      .sort((a, b) => a - b);
  }

  /** Notes the entry of an event; every event has one, without a digest where it has no key. */
  add(seq: number, digest: Buffer | null, receivedS: number): void {
    if (this.#pack.count === PACK) {
      this.flush();
      this.#pack.count = 0;
    }
    if (this.#pack.count === 0) this.#pack.firstSeq = seq;
    const at = this.#pack.count * ENTRY_BYTES;
    if (digest === null) this.#pack.entries.fill(0, at, at + DIGEST_BYTES);
    else digest.copy(this.#pack.entries, at);
    this.#pack.entries.writeUInt32LE(receivedS, at + DIGEST_BYTES);
    this.#pack.count += 1;
    if (digest !== null) this.#undo.slots.push(this.#insert(digest.readUInt32LE(0), seq));
  }

  /** Writes the row that fills; part of the transaction. */
  flush(): void {
    if (this.#pack.count > 0) this.#save.run(this.#pack.firstSeq, this.#pack.entries.subarray(0, this.#pack.count * ENTRY_BYTES));
  }

  /** The transaction did not commit: none of its keys was seen. */
  rollback(): void {
    for (const slot of this.#undo.slots.reverse()) this.#references[slot] = 0;
    this.#used -= this.#undo.slots.length;
    const { firstSeq, count } = this.#undo;
    if (firstSeq !== this.#pack.firstSeq && count > 0) {
      const row = this.#packOf.get(firstSeq) as PackRow | undefined;
      if (row !== undefined) Buffer.from(row.entries.buffer, row.entries.byteOffset, row.entries.byteLength).copy(this.#pack.entries);
    }
    this.#pack.firstSeq = firstSeq;
    this.#pack.count = count;
    this.#undo = { slots: [], firstSeq, count };
  }

  #matches(digest: Buffer): Entry[] {
    const fingerprint = digest.readUInt32LE(0);
    const mask = this.#references.length - 1;
    const found: Entry[] = [];
    for (let slot = home(fingerprint, mask); this.#references[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#fingerprints[slot] !== fingerprint) continue;
      const entry = this.#entry((this.#references[slot] ?? 0) - 1 + this.#base);
      if (entry !== null && digest.equals(entry.digest)) found.push(entry);
    }
    return found;
  }

  /** The entry on disk, or in the row that fills; null where it was pruned. */
  #entry(seq: number): Entry | null {
    const { firstSeq, count, entries } = this.#pack;
    if (count > 0 && seq >= firstSeq) return entryAt(entries, firstSeq, seq, count);
    const row = this.#packOf.get(seq) as PackRow | undefined;
    return row === undefined ? null : entryAt(row.entries, row.first_seq, seq, row.entries.byteLength / ENTRY_BYTES);
  }

  #insert(fingerprint: number, seq: number): number {
    const mask = this.#references.length - 1;
    let slot = home(fingerprint, mask);
    while (this.#references[slot] !== 0) slot = (slot + 1) & mask;
    this.#fingerprints[slot] = fingerprint;
    this.#references[slot] = seq - this.#base + 1;
    this.#used += 1;
    return slot;
  }

  #load(row: PackRow): void {
    const count = row.entries.byteLength / ENTRY_BYTES;
    if (this.#used === 0) this.#base = row.first_seq;
    if (this.#used + count > this.#references.length * LOAD_MAX) this.#grow(count);
    const entries = Buffer.from(row.entries.buffer, row.entries.byteOffset, row.entries.byteLength);
    for (let index = 0; index < count; index++) {
      const digest = entries.subarray(index * ENTRY_BYTES, index * ENTRY_BYTES + DIGEST_BYTES);
      if (!digest.equals(NONE)) this.#insert(digest.readUInt32LE(0), row.first_seq + index);
    }
    entries.copy(this.#pack.entries);
    this.#pack.firstSeq = row.first_seq;
    this.#pack.count = count;
  }

  /** Makes the table anew, twice as large where that is needed, without what was pruned from the disk. */
  #grow(count: number): void {
    const oldest = (this.#oldest.get() as { seq: number | null }).seq ?? this.#pack.firstSeq;
    const kept: [number, number][] = [];
    this.#references.forEach((reference, slot) => {
      const seq = reference - 1 + this.#base;
      if (reference !== 0 && seq >= oldest) kept.push([this.#fingerprints[slot] ?? 0, seq]);
    });
    let slots = SLOTS_MIN;
    while ((kept.length + count) * 1.5 > slots * LOAD_MAX) slots *= 2;
    this.#fingerprints = new Uint32Array(slots);
    this.#references = new Uint32Array(slots);
    this.#base = oldest;
    this.#used = 0;
    for (const [fingerprint, seq] of kept) this.#insert(fingerprint, seq);
  }
}

interface PackRow {
  readonly first_seq: number;
  readonly entries: Uint8Array<ArrayBuffer>;
}

interface Entry {
  readonly seq: number;
  readonly digest: Buffer;
  readonly receivedS: number;
}

const NONE = Buffer.alloc(DIGEST_BYTES);

function home(fingerprint: number, mask: number): number {
  return (Math.imul(fingerprint, 0x9e3779b1) >>> 7) & mask;
}

function entryAt(entries: Uint8Array, firstSeq: number, seq: number, count: number): Entry | null {
  const index = seq - firstSeq;
  if (index < 0 || index >= count) return null;
  const entry = Buffer.from(entries.buffer, entries.byteOffset + index * ENTRY_BYTES, ENTRY_BYTES);
  return { seq, digest: entry.subarray(0, DIGEST_BYTES), receivedS: entry.readUInt32LE(DIGEST_BYTES) };
}
