import { DatabaseSync } from '@photostructure/sqlite';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestOf, Seen } from '../../src/stores/sqlite/seen.js';
import { numbered } from '../contract/store/rig.js';
import { MIGRATIONS } from './sqlite-rig.js';

const WINDOW_S = 100;

/** The keys of a database in memory, and a transaction around them as the writer makes it. */
function rig() {
  const database = new DatabaseSync(':memory:');
  database.exec(readFileSync(new URL('0001-events.sql', MIGRATIONS), 'utf8'));
  const open = () => new Seen(database, WINDOW_S * 1000);
  let seen = open();
  let nextSeq = 1;
  const transaction = (keys: readonly (number | null)[], { commits = true, atS = 0, gap = 0 } = {}): void => {
    const before = nextSeq;
    seen.begin(keys.length);
    database.exec('begin');
    nextSeq += gap;
    for (const key of keys) seen.add(nextSeq++, key === null ? null : digest(key), atS);
    seen.flush();
    if (!commits) seen.rollback();
    database.exec(commits ? 'commit' : 'rollback');
    if (!commits) nextSeq = before;
  };
  return {
    database,
    transaction,
    find: (key: number) => seen.find(digest(key)),
    has: (key: number, atS = 0) => seen.has(digest(key), atS, WINDOW_S * 1000),
    prune: (keptSeq: number, nowS: number) => seen.prune(keptSeq, nowS),
    nextSeq: () => seen.nextSeq,
    reopen: () => (seen = open()),
    /** Adds, and is undone while its table cannot be read. */
    rollbackBlind: (keys: readonly number[]) => {
      seen.begin(keys.length);
      database.exec('begin');
      keys.forEach((key, n) => seen.add(nextSeq + n, digest(key), 0));
      database.exec('rollback; alter table dedup rename to gone');
      seen.rollback();
      database.exec('alter table gone rename to dedup');
    },
    rows: () => (database.prepare('select count(*) as count from dedup').get() as { count: number }).count,
  };
}

const digest = (key: number) => digestOf('castai', `id:${key}`);

describe('the digest of a key', () => {
  it('is the one that older versions wrote: of the length of the source, the source and the key, unit by unit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.constantFrom('', '\ud800', '\udc00'), (source, key, half) => {
        const streamed = createHash('sha256').update(`${source.length + half.length}:`);
        const digest = streamed
          .update(source + half, 'utf16le')
          .update(half + key, 'utf16le')
          .digest();
        expect(digestOf(source + half, half + key)).toEqual(digest.subarray(0, 16));
      }),
    );
  });
});

describe('the keys that were seen', () => {
  it('are what was committed, whatever was rolled back between, also after a restart', () => {
    const step = fc.record({
      keys: fc.array(fc.option(fc.nat(400)), { maxLength: 600 }),
      commits: fc.boolean(),
      gap: fc.nat(2),
      reopens: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const { transaction, find, reopen } = rig();
        const model = new Map<number, number[]>();
        let nextSeq = 1;
        for (const { keys, commits, gap, reopens } of steps) {
          transaction(keys, { commits, gap });
          if (commits) {
            nextSeq += gap;
            for (const key of keys) {
              if (key !== null) model.set(key, [...(model.get(key) ?? []), nextSeq]);
              nextSeq += 1;
            }
          }
          if (reopens) reopen();
          for (const key of numbered(401)) expect(find(key)).toEqual(model.get(key) ?? []);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('T09: are none of a transaction over three rows that was rolled back', () => {
    const { transaction, has, rows, nextSeq, reopen } = rig();
    transaction(numbered(200));
    transaction(
      numbered(600).map((n) => 1_000 + n),
      { commits: false },
    );
    for (const kept of [has, has]) {
      expect(numbered(200).every((n) => kept(n))).toBe(true);
      expect(numbered(600).some((n) => kept(1_000 + n))).toBe(false);
      expect([rows(), nextSeq()]).toEqual([1, 201]);
      reopen();
    }
  });

  it('T09: leave nothing in the table when rolled back: tried again under the same seqs, each is found once', () => {
    const { transaction, find } = rig();
    for (let attempt = 0; attempt < 3; attempt++) transaction(numbered(300), { commits: false });
    transaction(numbered(300));
    for (const key of numbered(300)) expect(find(key)).toEqual([key + 1]);
  });

  it('T09: survive a rollback on a disk that cannot be read, after their row was full and another begun', () => {
    const { database, transaction, find, rollbackBlind, reopen } = rig();
    transaction(numbered(200));
    rollbackBlind(numbered(100).map((n) => 1_000 + n));
    transaction([500]);
    reopen();
    for (const key of numbered(200)) expect(find(key)).toEqual([key + 1]);
    expect(find(500)).toEqual([201]);
    expect(database.isTransaction).toBe(false);
  });

  it('are found beside each other however many there are: the table grows, and keeps them apart', () => {
    const { transaction, find, has } = rig();
    const many = numbered(50_000);
    for (let from = 0; from < many.length; from += 500) transaction(many.slice(from, from + 500));
    for (const key of many) if (find(key).length !== 1 || find(key)[0] !== key + 1) expect.fail(`${key} is found at ${find(key).join()}`);
    expect(numbered(1_000).some((n) => has(many.length + n))).toBe(false);
  });

  it('are forgotten row by row, the oldest first, once all of a row are past the window', () => {
    const { transaction, has, prune, rows } = rig();
    for (const n of numbered(5))
      transaction(
        numbered(256).map((key) => n * 256 + key),
        { atS: n * 10 },
      );
    prune(Infinity, WINDOW_S);
    expect(rows()).toBe(5);
    prune(Infinity, WINDOW_S + 11);
    expect(rows()).toBe(3);
    expect([has(0), has(511), has(512), has(1279)]).toEqual([false, false, true, true]);
  });

  it('are kept while an event is found by them, and the last row always: it says which seq comes next', () => {
    const { transaction, prune, rows, nextSeq, reopen } = rig();
    transaction(numbered(800));
    prune(257, WINDOW_S + 1);
    expect(rows()).toBe(3);
    prune(258, WINDOW_S + 1);
    expect(rows()).toBe(3);
    prune(Infinity, 10 * WINDOW_S);
    expect(rows()).toBe(1);
    reopen();
    expect(nextSeq()).toBe(801);
  });

  it('take no more room than what is kept: keys that were pruned leave the table when it grows', () => {
    const { transaction, has, prune, rows } = rig();
    let key = 0;
    for (let round = 0; round < 400; round++) {
      transaction(
        numbered(512).map(() => key++),
        { atS: round * 10 },
      );
      prune(Infinity, round * 10);
    }
    expect(rows()).toBeLessThan(40);
    expect(has(key - 1, 4_000)).toBe(true);
    expect(has(0, 0)).toBe(false);
  });

  it('find their place in a file that has lost rows', () => {
    const { database, transaction, find, reopen } = rig();
    transaction(numbered(300));
    database.exec('delete from dedup where first_seq = 257');
    reopen();
    transaction([500], { gap: 0 });
    expect(find(500)).toEqual([301]);
    reopen();
    expect(find(500)).toEqual([301]);
    expect(find(10)).toEqual([11]);
  });
});
