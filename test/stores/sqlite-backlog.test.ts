import { DatabaseSync } from '@photostructure/sqlite';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packGroup } from '../../src/stores/sqlite/group.js';
import { createReader } from '../../src/stores/sqlite/reader.js';
import { seqOf, createWriter } from '../../src/stores/sqlite/writer.js';
import { arrival, delivered, LIMITS, owedTo, rejected, T0 } from '../contract/store/rig.js';
import { directory, waitingGroup } from './sqlite-rig.js';

const MANY = 20_000;
/** Rows that a page may look at. */
const LOOKED_AT_MAX = 10_000;
const MiB = 1024 * 1024;

/** Both threads' insides, in this one. */
function rig() {
  const path = join(directory(), 'bridge.db');
  const writer = createWriter(path, LIMITS);
  const reader = createReader(path);
  onTestFinished(() => {
    reader.close();
    writer.close();
  });
  const accept = (count: number, sink: string, bytes?: number): string[] => {
    const written = writer.write(waitingGroup(count, sink, bytes));
    return written.whole ? written.uids.map(String) : [];
  };
  return { writer, reader, accept, path };
}

/** Every page of a listing, as the command asks for them. */
function pagesOf(reader: ReturnType<typeof createReader>, filter: Parameters<typeof reader.deliveries>[0], limit: number) {
  const pages: ReturnType<typeof reader.deliveries>[] = [];
  for (let before: string | null = null; ;) {
    const page = reader.deliveries(filter, limit, before);
    pages.push(page);
    if (page.next === null) return pages;
    before = page.next;
    if (pages.length > MANY) throw new Error('the listing never ends');
  }
}

describe('a page of a listing', () => {
  it('looks at ten thousand rows and no more, and says where to go on', () => {
    const { reader, accept } = rig();
    const [oldest = ''] = accept(1, 'rare');
    accept(MANY, 'a');
    for (const filter of [{ sink: 'rare' }, { reason: 'none' }, { state: 'delivered' } as const]) {
      const pages = pagesOf(reader, filter, 100);
      expect(pages.map(({ next }) => (next === null ? null : seqOf(next)))).toEqual([MANY + 2 - LOOKED_AT_MAX, 2, null]);
      expect(pages.flatMap(({ rows }) => rows.map((row) => row.eventUid))).toEqual('sink' in filter ? [oldest] : []);
    }
  });

  it('of dead letters looks at as many of them', () => {
    const { writer, reader, accept } = rig();
    const uids = accept(MANY, 'a');
    writer.write(packGroup([], [uids.map((uid) => rejected(uid))]));
    expect(pagesOf(reader, { state: 'dead', sink: 'other' }, 100)).toHaveLength(3);
    expect(pagesOf(reader, { state: 'dead', sink: 'a', reason: 'http_400' }, 5_000).flatMap(({ rows }) => rows)).toHaveLength(MANY);
  });

  it('finds the few that wait among the many that are over at once', () => {
    const { writer, reader, accept } = rig();
    const waiting = [...accept(3, 'b'), ...accept(2, 'a')];
    const over = accept(MANY, 'c');
    writer.write(packGroup([], [over.map((uid) => delivered(uid))]));
    const first = (filter: object) => reader.deliveries({ state: 'waiting', ...filter }, 100, null);
    expect(first({})).toMatchObject({ rows: waiting.toReversed().map((eventUid) => ({ eventUid })), next: null });
    expect(first({ sink: 'b' }).rows.map((row) => row.eventUid)).toEqual(waiting.slice(0, 3).reverse());
    expect(first({ sink: 'c' })).toEqual({ rows: [], next: null });
    expect(pagesOf(reader, { state: 'waiting' }, 2).flatMap(({ rows }) => rows)).toHaveLength(5);
  });

  it('goes on behind a row whose damaged uid names another place', () => {
    const { reader, accept, path } = rig();
    accept(5, 'a');
    const database = new DatabaseSync(path);
    database.exec("update events set uid = 'zz-0badcafe' where seq = 3");
    database.close();
    expect(pagesOf(reader, {}, 1).flatMap(({ rows }) => rows.map(({ eventUid }) => seqOf(eventUid)))).toEqual([5, 4, seqOf('zz'), 2, 1]);
  });

  it('neither repeats nor misses one, where so many wait that they are not sorted', () => {
    const { reader, accept } = rig();
    const uids = [...accept(MANY / 2, 'a'), ...accept(100, 'b'), ...accept(MANY / 2, 'a')];
    const rows = pagesOf(reader, { state: 'waiting' }, 999).flatMap((page) => page.rows);
    expect(rows.map((row) => row.eventUid)).toEqual(uids.toReversed());
    expect(pagesOf(reader, { state: 'waiting', sink: 'b' }, 7).flatMap((page) => page.rows)).toHaveLength(100);
    expect(pagesOf(reader, { state: 'waiting', sink: 'a' }, 1_000).flatMap((page) => page.rows)).toHaveLength(MANY);
  });
});

describe('a page of what is due', () => {
  it('ends at its number, however much more is due', () => {
    const { reader, accept } = rig();
    const uids = accept(MANY, 'a');
    const page = reader.due('a', T0, 200, new Set(uids.slice(0, 4_000).map((uid) => `${uid}.0`)));
    expect(page.deliveries.map((delivery) => delivery.event.uid)).toEqual(uids.slice(4_000, 4_200));
    expect(page.nextDueMs).toBe(T0);
  });

  it('ends where its bodies are large', () => {
    const { reader, accept } = rig();
    for (let n = 0; n < 10; n++) accept(4, 'a', MiB);
    const page = reader.due('a', T0, 200, new Set());
    expect(page.deliveries).toHaveLength(16);
    expect(page.nextDueMs).toBe(T0);
  });
});

describe('a page of what is due, while others write', () => {
  /** Looked through when a page has found what is due, and not yet read it. */
  class Looked extends Set<string> {
    readonly #meanwhile: () => void;
    constructor(meanwhile: () => void) {
      super();
      this.#meanwhile = meanwhile;
    }
    override [Symbol.iterator](): SetIterator<string> {
      this.#meanwhile();
      return super[Symbol.iterator]();
    }
  }

  it('is of one moment: what is settled in the middle of it is no damage', () => {
    const { writer, reader } = rig();
    const owes = [{ ...owedTo('a'), orderKey: 'k' }];
    const written = writer.write(packGroup([{ arrivals: [arrival('evt_keyed', { owes })], checkpoint: null }], []));
    const [uid = null] = written.whole ? written.uids : [];
    const held = new Looked(() => void writer.write(packGroup([], [[delivered(uid ?? '')]])));
    const page = () => reader.due('a', T0, 10, held, undefined, { busy: new Set(), others: false });
    expect(page().deliveries.map(({ event }) => event.uid)).toEqual([uid]);
    expect(page().deliveries).toEqual([]);
  });

  it.each(['ends', 'fails'])('holds up no checkpoint once it %s', (how) => {
    const { reader, accept, path } = rig();
    accept(5, 'a');
    const broken = new Looked(() => {
      throw new Error('broken');
    });
    if (how === 'ends') reader.due('a', T0, 10, new Set());
    else expect(() => reader.due('a', T0, 10, broken)).toThrow('broken');
    const other = new DatabaseSync(path);
    expect(other.prepare('pragma wal_checkpoint(truncate)').get()).toEqual({ busy: 0, log: 0, checkpointed: 0 });
    other.close();
  });
});

describe('a sink that is not configured any more', () => {
  it('T14: is found behind a large backlog of another', () => {
    const { writer, reader, accept } = rig();
    accept(MANY, 'kept');
    for (const sink of ['a', 'z', 'kept too']) accept(2, sink);
    const chunks = [1, 2, 3].map(() => writer.killOrphans(['kept', 'kept too'], T0, []));
    expect(chunks).toEqual([2, 2, 0]);
    expect(reader.stats().waiting.map(({ sink, count }) => [sink, count])).toEqual([
      ['kept', MANY],
      ['kept too', 2],
    ]);
  });
});
