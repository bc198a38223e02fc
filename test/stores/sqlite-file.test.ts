import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/core/store.js';
import { openDatabase } from '../../src/stores/sqlite/database.js';
import { UnusableDatabase } from '../../src/stores/sqlite/faults.js';
import { allRows, arrival, delivered, numbered, T0 } from '../contract/store/rig.js';
import { directory, MIGRATIONS, openStore } from './sqlite-rig.js';

const EVENTS = 40;

/** The files of a store as a kill would leave them: everything still in the WAL. */
async function crashed(): Promise<string> {
  const made = directory();
  const live = join(made, 'live.db');
  const store = await openStore(live);
  for (const n of numbered(EVENTS)) await store.accept(arrival(`evt_${n}`, { body: Buffer.alloc(700, n) }));
  const path = join(made, 'bridge.db');
  copyFileSync(live, path);
  copyFileSync(`${live}-wal`, `${path}-wal`);
  await store.close();
  return path;
}

/** The same, with everything in the file itself. */
async function closed(): Promise<string> {
  const path = await crashed();
  await (await openStore(path)).close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  return path;
}

/** Serves, or says what is wrong: which events it has kept, null where it refuses to open. */
async function keptIn(path: string): Promise<string[] | null> {
  const store = await openStore(path).catch((error: unknown) => {
    expect(error).toBeInstanceOf(UnusableDatabase);
    return null;
  });
  if (store === null) return null;
  try {
    const answers = await Promise.allSettled([store.accept(arrival('new')), store.probe(), store.prune(0)]);
    for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(StoreUnavailable);
    return (await allRows(store)).map((row) => row.eventId).reverse();
  } catch (error) {
    expect(error).toBeInstanceOf(StoreUnavailable);
    return [];
  } finally {
    await store.close();
  }
}

describe('the file', () => {
  it('is only for its owner, and so is all that stands beside it', async () => {
    const parent = join(directory(), 'a', 'b');
    const store = await openStore(join(parent, 'bridge.db'));
    await store.accept(arrival('evt_1'));
    const modes = readdirSync(parent).map((file) => [file, statSync(join(parent, file)).mode & 0o777]);
    expect(modes).toEqual(['bridge.db', 'bridge.db-shm', 'bridge.db-wal', 'bridge.db.lock'].map((file) => [file, 0o600]));
    expect(statSync(parent).mode & 0o777).toBe(0o700);
    await store.close();
  });

  it('is written with a WAL, synced at every commit', () => {
    const database = openDatabase(join(directory(), 'bridge.db'));
    const pragma = (name: string) => Object.values(database.prepare(`pragma ${name}`).get() as object)[0] as unknown;
    expect([pragma('journal_mode'), pragma('synchronous')]).toEqual(['wal', 2]);
    database.close();
  });
});

describe('a file that goes away under the store', () => {
  it.each([
    ['the file is moved', (path: string) => renameSync(path, `${path}.moved`), ''],
    ['its WAL is removed', (path: string) => rmSync(`${path}-wal`), '-wal'],
    ['its directory is removed', (path: string) => rmSync(dirname(path), { recursive: true }), ''],
    ['a copy of it is put in its place', (path: string) => replaceByCopy(path), ''],
  ])('%s: nothing is acknowledged any more, and the probe fails', async (_, goAway, which) => {
    const path = join(directory(), 'data', 'bridge.db');
    const store = await openStore(path);
    await store.accept(arrival('evt_1'));
    goAway(path);
    await expect(store.accept(arrival('evt_2'))).rejects.toThrow(`${path}${which} was moved, removed or replaced`);
    await expect(store.accept(arrival('evt_2'))).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.probe()).rejects.toThrow('put it back');
    await store.close();
  });

  it('is written again once it is put back, with what was acknowledged before', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path);
    await store.accept(arrival('evt_1'));
    renameSync(path, `${path}.moved`);
    await expect(store.accept(arrival('evt_2'))).rejects.toBeInstanceOf(StoreUnavailable);
    renameSync(`${path}.moved`, path);
    expect(await store.accept(arrival('evt_2'))).toMatchObject({ kind: 'stored' });
    await store.close();
    expect(await keptIn(path)).toEqual(expect.arrayContaining(['evt_1', 'evt_2']));
  });
});

function replaceByCopy(path: string): void {
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
}

describe('a lock file with something in it', () => {
  it('is emptied, since it holds nothing, and locks as before', async () => {
    const path = join(directory(), 'bridge.db');
    writeFileSync(`${path}.lock`, 'no database'.repeat(1_000));
    const store = await openStore(path);
    expect(await store.accept(arrival('evt_1'))).toMatchObject({ kind: 'stored' });
    await expect(openStore(path)).rejects.toThrow('in use by another castbridge');
    await store.close();
  });
});

describe('a file that is no store', () => {
  const refused = async (path: string, text: string): Promise<void> => {
    const before = statSync(path).isFile() ? readFileSync(path) : null;
    await expect(openStore(path)).rejects.toBeInstanceOf(UnusableDatabase);
    await expect(openStore(path)).rejects.toThrow(text);
    if (before !== null) expect(readFileSync(path).equals(before)).toBe(true);
  };

  it('is refused, and left as it is: text', async () => {
    const path = join(directory(), 'bridge.db');
    writeFileSync(path, 'not a database, however long it may be. '.repeat(100));
    await refused(path, `${path} is not a database: name another file (storage.path), or move it away`);
  });

  it('is refused, and left as it is: a database of another program', async () => {
    const path = join(directory(), 'bridge.db');
    const other = new DatabaseSync(path);
    other.exec('create table theirs (a)');
    other.close();
    await refused(path, `${path} is a database of another program: name another file (storage.path)`);
  });

  it('is refused, and left as it is: a folder', async () => {
    const folder = join(directory(), 'folder');
    mkdirSync(folder);
    await refused(folder, 'cannot be opened');
  });

  it('is refused where the folder is a file', async () => {
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    await expect(openStore(join(file, 'bridge.db'))).rejects.toThrow('cannot be opened');
  });

  it('is refused where a newer version wrote it', async () => {
    const path = await closed();
    const database = new DatabaseSync(path);
    database.exec('pragma user_version = 99');
    database.close();
    await refused(path, 'was written by a newer castbridge (version 99 of the tables');
  });

  it('becomes one where it is empty', async () => {
    const path = join(directory(), 'bridge.db');
    writeFileSync(path, '');
    expect(await keptIn(path)).toEqual(['new']);
  });
});

describe('migrations', () => {
  const files = readdirSync(MIGRATIONS).sort();
  const schema = (database: DatabaseSyncInstance) => database.prepare('select type, name, sql from sqlite_master order by name').all() as unknown[];

  it('are numbered from 0001 on, without a gap', () => {
    expect(files.map((file) => /^(\d{4})-[a-z-]+\.sql$/.exec(file)?.[1])).toEqual(files.map((_, n) => String(n + 1).padStart(4, '0')));
  });

  it.each(numbered(files.length + 1))('bring a file of version %i up to date', (version) => {
    const made = directory();
    const older = new DatabaseSync(join(made, 'older.db'));
    for (const file of files.slice(0, version)) older.exec(readFileSync(new URL(file, MIGRATIONS), 'utf8'));
    if (version > 0) older.exec(`pragma application_id = 0x43425247; pragma user_version = ${version}`);
    older.close();
    const [updated, fresh] = ['older.db', 'fresh.db'].map((name) => openDatabase(join(made, name)));
    expect(updated?.prepare('pragma user_version').get()).toEqual({ user_version: files.length });
    expect(schema(updated as DatabaseSyncInstance)).toEqual(schema(fresh as DatabaseSyncInstance));
    updated?.close();
    fresh?.close();
  });

  it('keep the attempt that delivered before it stood in its delivery, and tell of it once', async () => {
    const path = await closed();
    const before = await openStore(path);
    await before.settle(delivered((await before.stories('evt_1'))[0]?.event.uid ?? ''));
    await before.close();
    const older = new DatabaseSync(path);
    older.exec(`
      insert into attempts select event_seq, n, 1, settled_ms - duration_ms, duration_ms, 'delivered', null, detail from deliveries where state = 1;
      update deliveries set duration_ms = null; alter table deliveries drop column duration_ms; pragma user_version = 6`);
    older.close();
    const store = await openStore(path);
    const [story] = await store.stories('evt_1');
    expect(story?.attempts).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
    const eventUid = story?.event.uid ?? '';
    await store.replay([{ eventUid, index: 0 }], T0);
    await store.settle(delivered(eventUid));
    expect((await store.stories('evt_1'))[0]?.attempts).toMatchObject([{ attempt: 1 }, { attempt: 2, outcome: 'delivered' }]);
    await store.close();
  });

  it('leave the file as it was where one fails', async () => {
    const path = await closed();
    const folder = join(directory(), 'migrations');
    mkdirSync(folder);
    cpSync(MIGRATIONS, folder, { recursive: true });
    writeFileSync(join(folder, '9998-good.sql'), 'create table good (a);');
    writeFileSync(join(folder, '9999-bad.sql'), 'create table half (a); insert into nowhere values (1);');
    writeFileSync(join(folder, 'notes.txt'), 'no migration');
    expect(() => openDatabase(path, pathToFileURL(`${folder}/`))).toThrow('no such table: nowhere');
    const database = new DatabaseSync(path);
    expect(database.prepare("select name from sqlite_master where name in ('good', 'half')").all()).toEqual([{ name: 'good' }]);
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: files.length + 1 });
    database.close();
  });
});

describe('a store at work', () => {
  it('is one store, whatever links lead to its file', async () => {
    const made = directory();
    const store = await openStore(join(made, 'bridge.db'));
    symlinkSync(join(made, 'bridge.db'), join(made, 'link.db'));
    symlinkSync(made, join(made, 'folder'));
    for (const path of ['link.db', 'folder/bridge.db']) await expect(openStore(join(made, path))).rejects.toThrow('is in use by another castbridge');
    await store.close();
  });

  it('T55: fails its probe where an event would fail, and leaves nothing of it behind', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path);
    await store.probe();
    expect(await allRows(store)).toEqual([]);
    expect(await store.stats()).toEqual({ waiting: [] });
    await store.accept(arrival('evt_1'));
    const other = new DatabaseSync(path);
    other.exec('drop table deliveries');
    other.close();
    await expect(store.accept(arrival('evt_2'))).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
    await store.close();
  });
});
