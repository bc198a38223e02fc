import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { hash } from 'node:crypto';
import { DamagedDatabase } from './faults.js';

/** Entries a row of `dedup` holds. */
export const PACK = 256;
const DIGEST_BYTES = 16;
const ENTRY_BYTES = DIGEST_BYTES + 4;
const SLOTS_MIN = 1 << 16;
/** Slots in use before the table grows. */
const LOAD_MAX = 0.6;
/** Rows of `dedup` looked at in one pruning: it runs between the commits of the ingress. */
const PRUNED_MAX = 10;

/** The digest of a source and a key. UTF-16: lone surrogates stay apart; the length keeps ("ab", "c") from ("a", "bc"). */
export function digestOf(source: string, key: string): Buffer {
  const length = `${source.length}:`;
  const text = Buffer.allocUnsafe(length.length + 2 * (source.length + key.length));
  text.write(length, 'latin1');
  text.write(source + key, length.length, 'utf16le');
  // In one call, and out as a text: a Hash and a Buffer of its own would cost several times as much as the hash.
  return Buffer.from(hash('sha256', text, 'binary').slice(0, DIGEST_BYTES), 'latin1');
}

/** Times of keys are whole seconds, rounded down; so a window must be rounded up, lest it end early. */
export function secondsOf(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
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
  #pack: Pack = emptyPack(0);
  #undo: { readonly slots: number[]; readonly pack: Pack; readonly count: number } = { slots: [], pack: this.#pack, count: 0 };
  readonly #windowS: number;
  readonly #packOf: StatementSyncInstance;
  readonly #save: StatementSyncInstance;
  readonly #oldest: StatementSyncInstance;
  readonly #complete: StatementSyncInstance;
  readonly #remove: StatementSyncInstance;

  constructor(database: DatabaseSyncInstance, windowMs: number) {
    this.#windowS = Math.ceil(windowMs / 1000);
    this.#packOf = database.prepare('select first_seq, entries from dedup where first_seq <= ? order by first_seq desc limit 1');
    this.#save = database.prepare(
      'insert into dedup (first_seq, entries) values (?, ?) on conflict (first_seq) do update set entries = excluded.entries',
    );
    this.#oldest = database.prepare('select min(first_seq) as seq from dedup');
    this.#complete = database.prepare('select first_seq, entries from dedup where first_seq < ? order by first_seq limit ?');
    this.#remove = database.prepare('delete from dedup where first_seq = ?');
    const packs = database.prepare('select first_seq, entries from dedup order by first_seq').iterate() as Iterable<PackRow>;
    for (const pack of packs) this.#load(pack);
    // The last row goes on filling.
    this.#pack = { ...this.#pack, entries: Buffer.concat([this.#pack.entries], PACK * ENTRY_BYTES) };
  }

  /** Before a transaction: makes room for `count` keys, so that none of them moves the others while it may be undone. */
  begin(count: number): void {
    if (this.#used + count > this.#references.length * LOAD_MAX) this.#grow(count);
    this.#undo = { slots: [], pack: this.#pack, count: this.#pack.count };
  }

  /** True where the key was seen within `windowMs` before `receivedS`. A clock that went back never makes a key new. */
  has(digest: Buffer, receivedS: number, windowMs: number): boolean {
    const windowS = Math.min(this.#windowS, Math.ceil(windowMs / 1000));
    return this.#matches(digest).some((entry) => receivedS - entry.receivedS <= windowS);
  }

  /** The seq that follows the last one noted; 0 where none was. */
  get nextSeq(): number {
    return this.#pack.firstSeq + this.#pack.count;
  }

  /** Seqs of all events with this key that are still known, oldest first. */
  find(digest: Buffer): number[] {
    return this.#matches(digest)
      .map((entry) => entry.seq)
      .sort((a, b) => a - b);
  }

  /**
   * Has the key make nothing a duplicate any more, as if it had been seen at the beginning of time; its events are still found by it. Part of a transaction,
   * but for the row that fills: where the transaction fails, that is forgotten all the same. False where nothing was known.
   */
  forget(digest: Buffer): boolean {
    const known = this.#matches(digest);
    for (const { seq, receivedS } of known) if (receivedS > 0) this.#forgetAt(seq);
    return known.length > 0;
  }

  #forgetAt(seq: number): void {
    const { firstSeq, count, entries } = this.#pack;
    const isFilling = count > 0 && seq >= firstSeq;
    const row = isFilling ? { first_seq: firstSeq, entries } : (this.#packOf.get(seq) as PackRow | undefined);
    if (row === undefined) return;
    const changed = Buffer.from(row.entries.buffer, row.entries.byteOffset, row.entries.byteLength);
    changed.writeUInt32LE(0, (seq - row.first_seq) * ENTRY_BYTES + DIGEST_BYTES);
    if (!isFilling) this.#save.run(row.first_seq, changed);
  }

  /** Notes the entry of an event; every event has one, without a digest where it has no key. */
  add(seq: number, digest: Buffer | null, receivedS: number): void {
    // An entry's seq is its place: a row that was lost, or recovered in part, must not shift those after it.
    if (this.#pack.count === PACK || seq !== this.nextSeq) {
      this.flush();
      // A new one, since the old one is what a rollback goes back to.
      this.#pack = emptyPack(seq);
    }
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

  /** The transaction did not commit: none of its keys was seen. Reads no disk, which may be what failed. */
  rollback(): void {
    for (const slot of this.#undo.slots) this.#references[slot] = 0;
    this.#used -= this.#undo.slots.length;
    this.#pack = this.#undo.pack;
    this.#pack.count = this.#undo.count;
    this.#undo.slots.length = 0;
  }

  /**
   * Removes the oldest complete rows whose keys are all past the window and have no event from `keptSeq` on, which is found by them; part of a transaction.
   * The table in memory forgets them when it grows.
   */
  prune(keptSeq: number, nowS: number): void {
    for (const { first_seq, entries } of this.#complete.all(this.#pack.firstSeq, PRUNED_MAX) as unknown as PackRow[]) {
      const { count, lastS } = summary(entries);
      if (first_seq + count > keptSeq || nowS - lastS <= this.#windowS) return;
      this.#remove.run(first_seq);
    }
  }

  #matches(digest: Buffer): Entry[] {
    const fingerprint = digest.readUInt32LE(0);
    const mask = this.#references.length - 1;
    const found: Entry[] = [];
    for (let slot = fingerprint & mask; this.#references[slot] !== 0; slot = (slot + 1) & mask) {
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
    let slot = fingerprint & mask;
    while (this.#references[slot] !== 0) slot = (slot + 1) & mask;
    this.#fingerprints[slot] = fingerprint;
    this.#references[slot] = seq - this.#base + 1;
    this.#used += 1;
    return slot;
  }

  #load(row: PackRow): void {
    if (!isPack(row.entries)) throw new DamagedDatabase('a row of dedup keys has no whole keys');
    const count = row.entries.byteLength / ENTRY_BYTES;
    if (this.#used === 0) this.#base = row.first_seq;
    if (this.#used + count > this.#references.length * LOAD_MAX) this.#grow(count);
    const entries = Buffer.from(row.entries.buffer, row.entries.byteOffset, row.entries.byteLength);
    for (let index = 0; index < count; index++) {
      const digest = entries.subarray(index * ENTRY_BYTES, index * ENTRY_BYTES + DIGEST_BYTES);
      if (!digest.equals(NONE)) this.#insert(digest.readUInt32LE(0), row.first_seq + index);
    }
    this.#pack = { firstSeq: row.first_seq, count, entries };
  }

  /** Makes the table anew, twice as large where that is needed, without what was pruned from the disk. */
  #grow(count: number): void {
    const oldest = (this.#oldest.get() as { seq: number | null }).seq ?? this.#pack.firstSeq;
    const [fingerprints, references, base] = [this.#fingerprints, this.#references, this.#base];
    // A loop, not a list of what is kept: there may be millions, and the ingress waits.
    const firstKept = Math.max(oldest - base + 1, 1);
    let kept = 0;
    for (const reference of references) if (reference >= firstKept) kept += 1;
    let slots = SLOTS_MIN;
    while ((kept + count) * 1.5 > slots * LOAD_MAX) slots *= 2;
    this.#fingerprints = new Uint32Array(slots);
    this.#references = new Uint32Array(slots);
    this.#base = oldest;
    this.#used = 0;
    for (let slot = 0; slot < references.length; slot++) {
      const reference = references[slot] ?? 0;
      if (reference >= firstKept) this.#insert(fingerprints[slot] ?? 0, reference - 1 + base);
    }
  }
}

interface Pack {
  readonly firstSeq: number;
  count: number;
  readonly entries: Buffer;
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

/** Can it be a row of `dedup`? */
export function isPack(entries: unknown): boolean {
  return (
    entries instanceof Uint8Array && entries.byteLength > 0 && entries.byteLength <= PACK * ENTRY_BYTES && entries.byteLength % ENTRY_BYTES === 0
  );
}

const NONE = Buffer.alloc(DIGEST_BYTES);

function emptyPack(firstSeq: number): Pack {
  return { firstSeq, count: 0, entries: Buffer.alloc(PACK * ENTRY_BYTES) };
}

function entryAt(entries: Uint8Array, firstSeq: number, seq: number, count: number): Entry | null {
  const index = seq - firstSeq;
  if (index < 0 || index >= count) return null;
  const entry = Buffer.from(entries.buffer, entries.byteOffset + index * ENTRY_BYTES, ENTRY_BYTES);
  return { seq, digest: entry.subarray(0, DIGEST_BYTES), receivedS: entry.readUInt32LE(DIGEST_BYTES) };
}

/** The latest second, which is not the last one's where a clock went back. */
function summary(entries: Uint8Array): { count: number; lastS: number } {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const count = entries.byteLength / ENTRY_BYTES;
  let lastS = 0;
  for (let index = 0; index < count; index++) lastS = Math.max(lastS, view.getUint32(index * ENTRY_BYTES + DIGEST_BYTES, true));
  return { count, lastS };
}
