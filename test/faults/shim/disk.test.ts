import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../stores/sqlite-rig.js';
import { Disk, entriesOf, type Entry } from './disk.js';

const entry = (what: Entry['what'], name: string, at = 0, data: string | Buffer = ''): Entry => ({ what, name, at, data: Buffer.from(data) });
const [old, fresh] = [Buffer.alloc(2_048, 'o'), Buffer.alloc(2_048, 'n')];

/** What many power cuts after these entries leave, by `look`, each answer once. */
function cuts(files: Readonly<Record<string, Buffer>>, entries: readonly Entry[], look: (files: ReadonlyMap<string, Buffer>) => string): string[] {
  const answers = Array.from({ length: 400 }, (_, seed) => {
    const disk = new Disk(new Map(Object.entries(files)), randomFrom(seed));
    for (const one of entries) disk.apply(one);
    return look(disk.cut());
  });
  return [...new Set(answers)].sort();
}

/** One letter a sector; upper case where a sector is of two kinds. */
const sectors = (bytes: Buffer | undefined): string => {
  if (bytes === undefined) return 'none';
  return Array.from({ length: Math.ceil(bytes.length / 512) }, (_, index) => {
    const sector = bytes.toString('latin1', index * 512, index * 512 + 512);
    return /^(.)\1*$/.test(sector) ? sector.charAt(0) : 'TORN';
  }).join('');
};

describe('the disk of a power cut', () => {
  it('has all that was written before the last fsync', () => {
    const entries = [entry('write', 'a', 0, fresh), entry('synced', 'a')];
    expect(cuts({ a: old }, entries, (files) => sectors(files.get('a')))).toEqual(['nnnn']);
  });

  it('has any of the sectors that were written since, and none in part', () => {
    const seen = cuts({ a: old }, [entry('write', 'a', 0, fresh)], (files) => sectors(files.get('a')));
    expect(seen).toHaveLength(16);
    expect(seen).toEqual(expect.arrayContaining(['oooo', 'nnnn', 'onon', 'nono']));
    expect(seen.join('')).not.toContain('TORN');
  });

  it('does not get what a failed fsync dropped by a later one, unless it is written again', () => {
    const failed = [entry('write', 'a', 0, fresh), entry('sync failed', 'a')];
    const later = [entry('write', 'a', 2_048, 'x'), entry('synced', 'a')];
    const look = (files: ReadonlyMap<string, Buffer>): string => sectors(files.get('a'));
    expect(cuts({ a: old }, [...failed, ...later], look)).toEqual(expect.arrayContaining(['oooox', 'nnnnx', 'ononx']));
    expect(cuts({ a: old }, [...failed, entry('write', 'a', 0, fresh), ...later], look)).toEqual(['nnnnx']);
  });

  it('has a truncate or not, and zeros where a file grew over a gap', () => {
    const look = (files: ReadonlyMap<string, Buffer>): string => String(files.get('a')?.length);
    expect(cuts({ a: old }, [entry('truncate', 'a', 0)], look)).toEqual(['0', '2048']);
    const gap = [entry('truncate', 'a', 0), entry('write', 'a', 600, 'x'), entry('synced', 'a')];
    expect(cuts({ a: old }, gap, (files) => files.get('a')?.toString('latin1').replaceAll('\0', '') ?? '')).toEqual(['x']);
  });

  it('has the names as they were at some moment since the directory was synced', () => {
    const entries = [entry('create', 'b'), entry('rename', 'a', 0, 'c'), entry('unlink', 'b')];
    const look = (files: ReadonlyMap<string, Buffer>): string => [...files.keys()].sort().join(' ');
    expect(cuts({ a: old }, entries, look)).toEqual(['a', 'a b', 'b c', 'c']);
    expect(cuts({ a: old }, [...entries, entry('synced', '')], look)).toEqual(['c']);
  });

  it('takes a removed file and one made anew under its name for two', () => {
    const entries = [entry('unlink', 'a'), entry('create', 'a'), entry('write', 'a', 0, 'x'), entry('synced', 'a')];
    expect(cuts({ a: old }, entries, (files) => sectors(files.get('a')))).toEqual(['none', 'oooo', 'x']);
  });
});

describe('a journal', () => {
  const noted = (code: string, name: string, text = ''): Buffer => {
    const head = Buffer.alloc(16);
    head.write(code);
    head.writeUInt16LE(name.length, 2);
    head.writeUInt32LE(text.length, 4);
    head.writeBigInt64LE(7n, 8);
    return Buffer.concat([head, Buffer.from(name + text)]);
  };

  it('is read without what was taken back, and without an entry that was cut short', () => {
    const journal = Buffer.concat([
      noted('W', 'a', 'text'),
      noted('C', 'b'),
      noted('X', 'b'),
      noted('S', 'a'),
      noted('W', 'a', 'half').subarray(0, -1),
    ]);
    expect(entriesOf(journal)).toEqual([entry('write', 'a', 7, 'text'), entry('synced', 'a', 7)]);
  });
});
