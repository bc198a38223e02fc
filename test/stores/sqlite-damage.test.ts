import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, symlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DEAD } from '../../src/core/delivery.js';
import { StoreUnavailable, type Store } from '../../src/core/store.js';
import { unusableFrames } from '../../src/stores/sqlite/wal.js';
import { allRows, arrival, delivered, LIMITS, numbered, owedTo, T0 } from '../contract/store/rig.js';
import { allDue, arrivalOf, bodyOf, closed, crashed, flip, listed, listening, type Told } from './damage-rig.js';
import { fill, smallDisk } from './small-disk.js';
import { directory, openStore, randomFrom } from './sqlite-rig.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const EVENTS = 120;
const PAGE = 4_096;
const FRAME = 24 + PAGE;

async function opened(path: string) {
  const { told, telemetry } = listening();
  return { told, store: await openStore(path, LIMITS, { telemetry }) };
}

/** The file's pages of a table, by what SQLite says of them. */
function pagesOf(path: string, table: string): number[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("select pageno from dbstat where name = ? and pagetype = 'leaf' order by pageno").all(table);
  database.close();
  return (rows as { pageno: number }[]).map(({ pageno }) => pageno);
}

function change(bytes: Buffer, at: number, bits: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ bits;
}

/** A sector that holds something else. */
function scramble(bytes: Buffer, at: number): void {
  for (let n = at; n < at + 512; n++) change(bytes, n, 0xaa);
}

function destroy(path: string, ...pages: number[]): void {
  flip(path, (bytes) => {
    for (const page of pages) bytes.fill(0xaa, (page - 1) * PAGE, page * PAGE);
  });
}

/** Reads everything until the damage is met, and waits until the store serves again. */
async function meets(store: Store, told: Told): Promise<void> {
  await vi.waitFor(
    async () => {
      await allRows(store).catch(() => undefined);
      await allDue(store);
      await store.probe();
      expect(told.salvaged).toHaveLength(1);
    },
    { timeout: 20_000 },
  );
}

/** Every event that is handed out is one that was put in, byte for byte, unless it says that it is damaged. */
async function expectTrue(store: Store): Promise<void> {
  for (const { event } of await allDue(store))
    if (event.damaged !== true && event.id !== 'evt_new') expect(event.body.equals(bodyOf(Number(event.id.slice(4))))).toBe(true);
}

describe('T11: a damaged WAL', () => {
  it('whose middle is damaged is kept, and what is lost is told, once', async () => {
    const path = await crashed(EVENTS);
    flip(`${path}-wal`, (bytes) => change(bytes, 32 + 40 * FRAME + 2_000, 1));
    const wal = readFileSync(`${path}-wal`);
    const { store, told } = await opened(path);
    const kept = await listed(store);
    expect(kept).toEqual(numbered(kept.length));
    expect(kept.length).toBeLessThan(EVENTS);
    expect(told.commitsLost).toEqual([
      {
        frames: wal.length / FRAME - 40 > 0 ? (expect.any(Number) as number) : 0,
        commits: expect.any(Number) as number,
        copy: expect.stringMatching(/bridge\.db-wal\.damaged-\d{8}T\d{6}Z$/) as string,
      },
    ]);
    expect(told.commitsLost[0]?.commits).toBeGreaterThan(1);
    expect(readFileSync(told.commitsLost[0]?.copy ?? '').equals(wal)).toBe(true);
    // As a kill leaves it, not as an orderly stop does.
    const killed = join(directory(), 'bridge.db');
    copyFileSync(path, killed);
    copyFileSync(`${path}-wal`, `${killed}-wal`);
    await store.close();
    const again = await opened(killed);
    expect(again.told.commitsLost).toEqual([]);
    await again.store.close();
  });

  it(
    'on a full disk is kept once there is room for the copy; until then the store is open, and unavailable',
    { timeout: 60_000 },
    async ({ skip }) => {
      const disk = smallDisk() ?? skip('this process may not mount');
      const made = await crashed(EVENTS);
      flip(`${made}-wal`, (bytes) => change(bytes, 32 + 40 * FRAME + 2_000, 1));
      const path = join(disk, 'bridge.db');
      for (const end of ['', '-wal']) copyFileSync(`${made}${end}`, `${path}${end}`);
      fill(join(disk, 'ballast'));
      truncateSync(join(disk, 'ballast'), statSync(join(disk, 'ballast')).size - 16 * PAGE);
      const { store, told } = await opened(path);
      await expect(store.probe()).rejects.toThrow('make room on its disk');
      expect(readdirSync(disk).filter((file) => file.includes('-wal.damaged'))).toEqual([]);
      rmSync(join(disk, 'ballast'));
      await vi.waitFor(() => store.probe(), { timeout: 20_000 });
      expect(told.commitsLost).toHaveLength(1);
      await store.close();
    },
  );

  it('whose header is damaged is kept and told', async () => {
    const path = await crashed(EVENTS);
    flip(`${path}-wal`, (bytes) => change(bytes, 17, 4));
    const { store, told } = await opened(path);
    expect(told.commitsLost[0]?.commits).toBeGreaterThan(1);
    await store.close();
  });

  it(`that was cut anywhere is that of a crash: it has every event up to there, and nothing is told (SEED=${SEED})`, async () => {
    const path = await crashed(40);
    const random = randomFrom(SEED);
    const [database, wal] = [readFileSync(path), readFileSync(`${path}-wal`)];
    for (const bytes of [0, 31, ...numbered(6).map(() => Math.floor(random() * wal.length)), wal.length]) {
      writeFileSync(path, database);
      writeFileSync(`${path}-wal`, wal.subarray(0, bytes));
      const { store, told } = await opened(path);
      const kept = await listed(store);
      expect(kept).toEqual(numbered(kept.length));
      if (bytes === wal.length) expect(kept).toHaveLength(40);
      expect(told).toEqual({ commitsLost: [], damaged: [], salvaged: [] });
      await store.close();
    }
  });

  it('whose last transaction is torn, in any order of its sectors, is that of a crash', async () => {
    const path = await crashed(40);
    const wal = readFileSync(`${path}-wal`);
    const frames = (wal.length - 32) / FRAME;
    const commits = numbered(frames).filter((n) => wal.readUInt32BE(32 + n * FRAME + 4) > 0);
    const [previous = 0, last = 0] = commits.slice(-2);
    expect(last).toBeGreaterThan(previous + 1);
    for (let n = previous + 1; n <= last; n++) {
      const torn = Buffer.from(wal);
      scramble(torn, 32 + n * FRAME + 512);
      writeFileSync(`${path}-wal`, torn);
      expect(unusableFrames(`${path}-wal`)).toBeNull();
    }
    // One before it was synced when this one began.
    const torn = Buffer.from(wal);
    scramble(torn, 32 + previous * FRAME + 512);
    writeFileSync(`${path}-wal`, torn);
    expect(unusableFrames(`${path}-wal`)?.commits).toBe(1);
  });

  it('is none that a checkpoint has overwritten in part, or that is not there', async () => {
    const path = await crashed(40);
    expect(unusableFrames(`${path}-wal`)).toBeNull();
    expect(unusableFrames(`${path}-none`)).toBeNull();
    const database = new DatabaseSync(path);
    database.exec("pragma wal_checkpoint(restart); insert into meta values ('a', 1)");
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(10 * FRAME);
    expect(unusableFrames(`${path}-wal`)).toBeNull();
    database.close();
  });
});

describe('T11: a flipped byte of an event', () => {
  it.each([
    ['its body', Buffer.from('"padding":"7777'), 12],
    ['its id', Buffer.from('evt_7resource'), 4],
    ['its source', Buffer.from('castaicastai-eventevt_7resource'), 2],
    ['its format', Buffer.from('castaicastai-eventevt_7resource'), 10],
    ['its type', Buffer.from('evt_7resource.created'), 10],
    ['its uid', Buffer.from('castaicastai-eventevt_7resource'), -1],
    ['the time it was received', Buffer.from('evt_7resource.created'), 21 + 5],
    ['its headers', Buffer.from('{"webhook-id":"msg_15"}'), 16],
  ])('in %s is noticed: it is shown as damaged, and not handed out as what was received', async (_, text, offset) => {
    const path = await closed(20);
    flip(path, (bytes) => {
      // All of them: SQLite leaves copies behind where it moved a row.
      for (let at = bytes.indexOf(text); at > 0; at = bytes.indexOf(text, at + 1)) change(bytes, at + offset, 1);
    });
    const { store, told } = await opened(path);
    const due = await allDue(store);
    expect(due.filter(({ event }) => event.damaged === true)).toHaveLength(2);
    await expectTrue(store);
    const [uid = ''] = due.filter(({ event }) => event.damaged === true).map(({ event }) => event.uid);
    expect((await store.stories(uid))[0]?.event.damaged).toBe(true);
    expect(told.salvaged).toEqual([]);
    await store.close();
  });

  it('in a checkpoint makes it none; a salvage keeps one that is whole', async () => {
    const path = await closed(20);
    const first = await opened(path);
    await first.store.acceptTogether([], { source: 'audit', state: '{"through":"2026-01-12"}' });
    await first.store.acceptTogether([], { source: 'other', state: 'whole' });
    await first.store.close();
    flip(path, (bytes) => {
      for (let at = bytes.indexOf('2026-01-12"}'); at > 0; at = bytes.indexOf('2026-01-12"}', at + 1)) change(bytes, at + 6, 2);
    });
    const harmed = await opened(path);
    expect([await harmed.store.checkpoint('audit'), await harmed.store.checkpoint('other')]).toEqual([null, 'whole']);
    await harmed.store.close();
    destroy(path, pagesOf(path, 'deliveries')[0] ?? 0);
    const { store, told } = await opened(path);
    await meets(store, told);
    expect([await store.checkpoint('audit'), await store.checkpoint('other')]).toEqual([null, 'whole']);
    await store.close();
  });

  it('from before there was a checksum goes unnoticed, and is served', async () => {
    const path = await closed(20);
    const database = new DatabaseSync(path);
    database.exec("update events set crc = null, body = x'00' where seq = 8");
    database.close();
    const { store } = await opened(path);
    const due = await allDue(store);
    expect(due.find(({ event }) => event.id === 'evt_7')?.event.damaged).toBeUndefined();
    await store.close();
  });
});

describe('T11: a damaged file', () => {
  it('is salvaged around pages that cannot be read: what is lost is told, what waits for it is not silence', async () => {
    const path = await closed(EVENTS);
    const pages = pagesOf(path, 'events');
    destroy(path, ...pages.slice(3, 5));
    const damaged = readFileSync(path);
    const { store, told } = await opened(path);
    await meets(store, told);
    const [found] = told.salvaged;
    expect(readFileSync(found?.kept ?? '').equals(damaged)).toBe(true);
    await expectTrue(store);
    const all = await listed(store);
    const lost = (await allDue(store)).filter(({ event }) => event.damaged === true);
    expect(lost.length).toBeGreaterThan(0);
    expect(found).toMatchObject({ events: all.filter((n) => !Number.isNaN(n)).length, eventsToRoute: 0 });
    expect(found?.eventsLost).toBeGreaterThan(0);
    expect(new Set((await allRows(store)).map((row) => row.eventUid)).size).toBe(EVENTS);
    expect((await store.accept(arrivalOf(0))).kind).toBe('duplicate');
    expect((await store.accept(arrival('evt_new'))).kind).toBe('stored');
    await store.close();
  });

  it('whose deliveries are lost in part owes a dead letter for each event, which a replay routes anew', async () => {
    const path = await closed(EVENTS);
    destroy(path, pagesOf(path, 'deliveries')[1] ?? 0);
    const { store, told } = await opened(path);
    await meets(store, told);
    const letters = await allRows(store, { reason: DEAD.damaged });
    expect(letters.length).toBe(told.salvaged[0]?.eventsToRoute);
    expect(letters.length).toBeGreaterThan(10);
    const [letter] = letters;
    expect(letter).toMatchObject({ state: 'dead', sink: null, index: 1_000_000 });
    expect(await store.reroute([{ eventUid: letter?.eventUid ?? '', index: 1_000_000, owes: [owedTo('elsewhere')] }], T0)).toEqual([1]);
    expect(new Set(await listed(store)).size).toBe(EVENTS);
    await store.close();
  });

  it('whose attempts alone are left of an event has none of them at the next event with its number', async () => {
    const path = await closed(EVENTS);
    const database = new DatabaseSync(path);
    // The last that was tried, and what comes after it.
    database.exec('delete from events where seq >= 119; delete from deliveries where event_seq >= 119; delete from dedup');
    database.close();
    writeFileSync(`${path}.damaged`, 'a page\n');
    const { store } = await opened(path);
    const receipt = await store.accept(arrival('evt_new', { owes: [owedTo('archive'), owedTo('ops')] }));
    const uid = receipt.kind === 'stored' ? receipt.event.uid : '';
    expect(uid).toMatch(/^3b-/);
    expect((await store.stories(uid))[0]?.attempts).toEqual([]);
    await store.close();
  });

  it('in which the number of an attempt is taken keeps no delivery from being settled', async () => {
    const path = await closed(EVENTS);
    const database = new DatabaseSync(path);
    database.exec('update deliveries set attempts = 0 where event_seq = 3 and n = 1');
    database.close();
    const { store } = await opened(path);
    const { uid } = (await store.stories('evt_2'))[0]?.event ?? { uid: '' };
    await store.settle(delivered(uid, 1));
    expect((await store.stories(uid))[0]?.deliveries[1]?.state).toBe('delivered');
    await store.close();
  });

  it('keeps the attempts that delivered, but for those of which it has made something else', async () => {
    const path = await closed(EVENTS);
    const database = new DatabaseSync(path);
    database.exec("update deliveries set duration_ms = 'x' where event_seq = 5; update deliveries set settled_ms = null where event_seq = 9");
    database.exec('update deliveries set detail = null where event_seq = 13');
    database.close();
    writeFileSync(`${path}.damaged`, 'rows\n');
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ eventsLost: 0, eventsToRoute: 0 }]);
    const attempts = async (n: number) => (await store.stories(`evt_${n}`))[0]?.attempts;
    expect(await attempts(0)).toMatchObject([{ index: 0, attempt: 1, outcome: 'delivered' }]);
    for (const n of [4, 8, 12]) expect(await attempts(n)).toEqual([]);
    const [uid0, uid4, uid8, uid12] = await Promise.all([0, 4, 8, 12].map(async (n) => (await store.stories(`evt_${n}`))[0]?.event.uid ?? ''));
    const replayed = await store.replay(
      [uid0, uid4, uid8, uid12].map((eventUid) => ({ eventUid: eventUid ?? '', index: 0 })),
      T0,
    );
    expect(replayed).toEqual([true, true, true, true]);
    expect(await attempts(0)).toMatchObject([{ index: 0, attempt: 1, outcome: 'delivered' }]);
    await store.close();
  });

  it('in which single rows are wrong or missing owes a dead letter for each event that may have lost a delivery, and no other', async () => {
    const path = await closed(20);
    const database = new DatabaseSync(path);
    database.exec('update deliveries set state = 7 where event_seq = 8 and n = 1; delete from deliveries where event_seq = 5');
    database.close();
    writeFileSync(`${path}.damaged`, 'rows\n');
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ eventsLost: 0, eventsToRoute: 2 }]);
    const letters = await allRows(store, { reason: DEAD.damaged });
    expect(letters.map((row) => row.eventId)).toEqual(['evt_7', 'evt_4']);
    expect((await allRows(store)).filter((row) => row.eventId === 'evt_7').map((row) => row.index)).toEqual([1_000_000, 0]);
    await store.close();
  });

  it('whose first page is destroyed has everything behind it', async () => {
    const path = await closed(EVENTS);
    destroy(path, 1);
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ events: EVENTS, eventsUnreadable: 0, eventsLost: 0, eventsToRoute: 0 }]);
    expect(await listed(store)).toEqual(numbered(EVENTS));
    await expectTrue(store);
    await store.close();
  });

  it('whose tables have other names is salvaged by those they should have', async () => {
    const path = await closed(EVENTS);
    flip(path, (bytes) => void bytes.write('attempty', bytes.indexOf('attempts')));
    flip(path, (bytes) => void bytes.write('b', bytes.indexOf('body blob')));
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ events: EVENTS }]);
    await store.close();
  });

  it('that is empty has what its WAL has', async () => {
    const path = await crashed(EVENTS);
    truncateSync(path, 0);
    const { store, told } = await opened(path);
    expect(told.salvaged).toHaveLength(1);
    expect((await listed(store)).length).toBeGreaterThan(EVENTS / 2);
    expect(existsSync(`${told.salvaged[0]?.kept ?? ''}-wal`)).toBe(true);
    await expectTrue(store);
    await store.close();
  });

  it('of which nothing can be read but that it was a store begins anew', async () => {
    const path = await closed(EVENTS);
    destroy(path, ...numbered(statSync(path).size / PAGE - 1).map((n) => n + 2));
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ events: 0, deliveries: 0 }]);
    expect((await store.accept(arrivalOf(0))).kind).toBe('stored');
    await store.close();
  });

  it('gives no other event the place of one that it has lost, since a lane may hold that still', async () => {
    const path = await closed(20);
    const { store, told } = await opened(path);
    const held = await store.accept(arrivalOf(20));
    const database = new DatabaseSync(path);
    database.exec('delete from events where seq in (8, 21); delete from deliveries where event_seq = 21; delete from dedup');
    database.close();
    await meets(store, told);
    const fresh = await store.accept(arrivalOf(21));
    if (held.kind !== 'stored' || fresh.kind !== 'stored') throw new Error('a duplicate');
    await store.settle(delivered(held.event.uid));
    expect((await store.stories(fresh.event.uid))[0]?.deliveries.map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    await store.close();
  });

  it.each([
    ['was delivered', 'update deliveries set state = 1 where event_seq = 8'],
    ['is another sink’s', "update deliveries set sink = 'other' where event_seq = 8"],
    ['is gone', 'delete from deliveries where event_seq = 8'],
  ])('in whose index something waits that %s is salvaged once a lane asks for it', async (_, harm) => {
    const path = await closed(20);
    withoutIndex(path, 'deliveries_waiting', harm);
    const { store, told } = await opened(path);
    await expect(store.due('archive', T0, 100, new Set())).rejects.toThrow('nothing waits for archive at 8.0, where the index has it');
    await meets(store, told);
    await store.close();
  });

  it.each([
    ['an event that is not there', 'delete from events where seq = 8'],
    ['an event that is another one', "update events set uid = '9-' || substr(uid, 3) where seq = 8"],
  ])('in which a delivery waits for %s is salvaged once a lane asks for it', async (_, harm) => {
    const path = await closed(20);
    const database = new DatabaseSync(path);
    database.exec(harm);
    database.close();
    const { store, told } = await opened(path);
    await expect(store.due('archive', T0, 100, new Set())).rejects.toThrow('what waits names no event at 8');
    await meets(store, told);
    await expectTrue(store);
    expect((await allDue(store)).filter(({ event }) => event.damaged === true)).toHaveLength(2);
    await store.close();
  });

  it('is salvaged while the store is at work, once a thread comes upon the damage', { timeout: 60_000 }, async () => {
    const path = await closed(EVENTS);
    const { store, told } = await opened(path);
    destroy(path, pagesOf(path, 'events')[4] ?? 0);
    await meets(store, told);
    expect(told.damaged[0]).toContain(`${path} is damaged (`);
    expect((await store.accept(arrival('evt_new'))).kind).toBe('stored');
    await expectTrue(store);
    await store.close();
    expect(readdirSync(dirname(path)).filter((file) => file.endsWith('.damaged'))).toEqual([]);
  });

  it('again, soon after it was salvaged, is salvaged at the next start only', { timeout: 60_000 }, async () => {
    const path = await closed(EVENTS);
    const { store, told } = await opened(path);
    destroy(path, pagesOf(path, 'events')[4] ?? 0);
    await meets(store, told);
    destroy(path, pagesOf(path, 'events')[2] ?? 0);
    await expect(allDue(store)).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await store.accept(arrival('evt_new'))).kind).toBe('stored');
    await store.close();
    expect(told.salvaged).toHaveLength(1);
    const again = await opened(path);
    expect(again.told.salvaged).toHaveLength(1);
    expect((await again.store.accept(arrival('evt_new'))).kind).toBe('duplicate');
    await again.store.close();
  });

  it('is salvaged at the start where a process met the damage and was killed', async () => {
    const path = await closed(EVENTS);
    writeFileSync(`${path}.damaged`, 'a page\n');
    const { store, told } = await opened(path);
    expect(told.salvaged).toMatchObject([{ events: EVENTS, eventsUnreadable: 0 }]);
    expect(await listed(store)).toEqual(numbered(EVENTS));
    await store.close();
    const again = await opened(path);
    expect(again.told.salvaged).toEqual([]);
    await again.store.close();
  });

  it('that was moved aside by a process that was killed then is followed by the salvaged one, also behind a link', async () => {
    const path = await closed(EVENTS);
    const link = join(directory(), 'link.db');
    symlinkSync(path, link);
    renameSync(path, `${path}.salvaged`);
    const { store } = await opened(link);
    expect(await listed(store)).toEqual(numbered(EVENTS));
    await store.close();
  });

  it('that was not moved aside yet when a process was killed is not overwritten by the salvaged one', async () => {
    const path = await closed(EVENTS);
    copyFileSync(await closed(3), `${path}.salvaged`);
    const { store } = await opened(path);
    expect(await listed(store)).toEqual(numbered(EVENTS));
    await store.close();
  });

  it('that was moved aside by a process that was killed then is followed by the salvaged one', async () => {
    const path = await closed(EVENTS);
    renameSync(path, `${path}.salvaged`);
    writeFileSync(`${path}-wal`, 'of the damaged one');
    const { store } = await opened(path);
    expect(await listed(store)).toEqual(numbered(EVENTS));
    await store.close();
    const beside = readdirSync(dirname(path)).find((file) => /\.damaged-.*-wal$/.test(file)) ?? '';
    expect(readFileSync(join(dirname(path), beside), 'utf8')).toBe('of the damaged one');
    expect(beside).toContain(basename(path));
  });
});

describe('T11: any damage', () => {
  const SEEDS = 60;
  const AT_ONCE = 4;
  /** Seeds whose damage made the number of an event negative, and columns ones of other names: of the id, and of the checksum. */
  const FOUND = [555_351, 99_010, 569_533];
  const MANY = 300;
  /** Where the header says what a person has to decide on: the number of the tables' version, and whose file it is. */
  const isTold = (at: number): boolean => at >= 60 && at < 72;

  /** Flips up to 64 bits, or cuts the end off. */
  function harm(bytes: Buffer, random: () => number, isSpared: (at: number) => boolean): { bytes: Buffer; flips: number } {
    if (random() < 0.25) return { bytes: bytes.subarray(0, Math.max(PAGE, Math.floor(random() * bytes.length))), flips: 0 };
    const flips = 1 + Math.floor(random() * 64);
    for (let n = 0; n < flips; n++) {
      const at = Math.floor(random() * bytes.length);
      if (!isSpared(at)) change(bytes, at, 1 << Math.floor(random() * 8));
    }
    return { bytes, flips };
  }

  it(
    `to the file or its WAL: it opens, hands out nothing that was not put in, nothing twice, and tells what is missing (SEED=${SEED})`,
    { timeout: 240_000 },
    async () => {
      const [atRest, killed] = [await closed(MANY), await crashed(MANY)];
      const made = directory();
      const one = async (seed: number): Promise<void> => {
        const random = randomFrom(seed);
        const [path, inWal] = [join(made, `${seed}.db`), random() < 0.5];
        const harmed = inWal ? harm(readFileSync(`${killed}-wal`), random, () => false) : harm(readFileSync(atRest), random, isTold);
        writeFileSync(path, inWal ? readFileSync(killed) : harmed.bytes);
        if (inWal) writeFileSync(`${path}-wal`, harmed.bytes);
        const { store, told } = await opened(path);
        const due = await vi.waitFor(
          async () => {
            await store.probe();
            await allRows(store);
            return allDue(store);
          },
          { timeout: 60_000, interval: 20 },
        );
        const whole = due.filter(({ event }) => event.damaged !== true);
        for (const { event } of whole) expect(event.body.equals(bodyOf(Number(event.id.slice(4)))), `seed ${seed}`).toBe(true);
        const ids = due.map(({ event, index, sink }) => `${event.uid}.${index} to ${sink}`);
        expect(new Set(ids).size, `seed ${seed}`).toBe(ids.length);
        const there = new Set(whole.map(({ event }) => Number(event.id.slice(4))));
        const missing = numbered(MANY).filter((n) => wasDue(n) && !there.has(n));
        const silent = told.salvaged.length + told.commitsLost.length === 0 && due.length === whole.length;
        // What a crash leaves behind is no damage. In the file, a flipped bit of a delivery is one that SQLite does not notice.
        if (silent && inWal) expect(missing, `seed ${seed}`).toEqual(numbered(MANY).filter((n) => wasDue(n) && n >= (missing[0] ?? MANY)));
        if (silent && !inWal) expect(missing.length, `seed ${seed}`).toBeLessThanOrEqual(harmed.flips);
        // Damage where only a write looks refuses the first, and is salvaged then.
        const fresh = await vi.waitFor(() => store.accept(arrival(`evt_new_${seed}`)), { timeout: 60_000, interval: 20 });
        expect(fresh.kind, `seed ${seed}`).toBe('stored');
        await store.close();
      };
      const seeds = [...new Set([...FOUND, ...numbered(SEEDS).map((n) => SEED + n)])];
      const lane = async (): Promise<void> => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) await one(seed);
      };
      await Promise.all(numbered(AT_ONCE).map(lane));
    },
  );
});

/** Does something of the event wait in `filled`? */
function wasDue(n: number): boolean {
  return n % 10 !== 3;
}

/** Changes a table, and leaves an index of it as it was. */
function withoutIndex(path: string, name: string, sql: string): void {
  const changed = (use: (database: DatabaseSyncInstance) => void): void => {
    const database = new DatabaseSync(path);
    database.enableDefensive(false);
    use(database);
    database.close();
  };
  let row: Record<string, string | number> = {};
  changed((database) => {
    row = database.prepare('select type, name, tbl_name, rootpage, sql from sqlite_master where name = ?').get(name) as typeof row;
    database.exec(`pragma writable_schema = on; delete from sqlite_master where name = '${name}'`);
  });
  changed((database) => database.exec(sql));
  changed((database) => {
    database.exec('pragma writable_schema = on');
    database.prepare('insert into sqlite_master (type, name, tbl_name, rootpage, sql) values (?, ?, ?, ?, ?)').run(...Object.values(row));
  });
}
