import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StoreUnavailable } from '../../core/store.js';
import { codeOf, DamagedDatabase, DiskFailing, isDamage, isDiskFailing, SQLITE_ERROR, UnusableDatabase } from './faults.js';

/** 'CBRG' as a number: tells this program's files from other SQLite databases. */
export const APPLICATION_ID = 0x43425247;

/** Pages in the WAL before they are moved into the file: low enough to keep the slowest commits near the median. */
const CHECKPOINT_PAGES = 500;

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** Opens the file for writing, makes it where it does not exist, and brings its tables up to date. */
export function openDatabase(path: string, migrations = MIGRATIONS): DatabaseSyncInstance {
  return explained(path, () => {
    makePrivate(path);
    refuseOrphanedWal(path);
    return built(new DatabaseSync(path), (database) => {
      refuseOthers(database, path);
      database.exec(
        `pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}; pragma busy_timeout = 1000`,
      );
      migrate(database, path, migrations);
      return database;
    });
  });
}

/** What is built on an open database; where that fails it is closed, lest it take a WAL away that belongs to the next one. */
export function built<Result>(database: DatabaseSyncInstance, build: (database: DatabaseSyncInstance) => Result): Result {
  try {
    return build(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens the file for reading beside the writer. */
export function openForReading(path: string): DatabaseSyncInstance {
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('pragma busy_timeout = 1000');
  return database;
}

/** A statement whose rows are tuples: to make an object with as many names as there are columns costs as much as to read them. */
export function prepareTuples(database: DatabaseSyncInstance, sql: string): StatementSyncInstance {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** Takes the lock that keeps a second process off the file. It dies with the process, also by kill -9. `file`: the one name of the file. */
export function lock(path: string): { readonly file: string; release(): void } {
  return explained(path, () => {
    const file = realPath(path);
    const lockFile = `${file}.lock`;
    makePrivate(lockFile);
    const database = new DatabaseSync(lockFile);
    try {
      database.exec('pragma journal_mode = memory; begin exclusive');
    } catch (error) {
      database.close();
      // Nothing is ever written to it, and who could read this much of it was not locked out by another process.
      if (isDamage(error) && statSync(lockFile).size > 0) {
        truncateSync(lockFile);
        return lock(path);
      }
      if (codeOf(error) !== SQLITE_BUSY) throw error;
      throw new UnusableDatabase(`${path} is in use by another castbridge: stop it, or give this one a file of its own (storage.path)`);
    }
    return { file, release: () => database.close() };
  });
}

/** One name for one file, whatever links lead to it; also where nothing is at the end of a link, since a salvaged file may be on its way there. */
function realPath(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(path)) return realpathSync(path);
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const place = isLink ? resolve(dirname(path), readlinkSync(path)) : path;
  return join(realpathSync(dirname(place)), basename(place));
}

/**
 * Makes the file where there is none: SQLite would make it readable for all; the WAL gets the mode of the file.
 * One that exists is not opened: closing a second descriptor of a file drops every lock this process holds on it.
 */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** SQLite silently deletes the WAL of an empty file, and with it what was acknowledged last. */
function refuseOrphanedWal(path: string): void {
  const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (statSync(path).size > 0 || wal === undefined || wal.size === 0) return;
  throw new DamagedDatabase(`${path} is empty, but ${path}-wal holds events`);
}

function refuseOthers(database: DatabaseSyncInstance, path: string): void {
  const id = pragma(database, 'application_id');
  const tables = database.prepare('select count(*) as count from sqlite_master').get() as { count: number };
  if (id === APPLICATION_ID || (id === 0 && tables.count === 0)) return;
  throw new UnusableDatabase(`${path} is a database of another program: name another file (storage.path)`);
}

function migrate(database: DatabaseSyncInstance, path: string, migrations: URL): void {
  const files = readdirSync(migrations)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const version = pragma(database, 'user_version');
  if (version > files.length)
    throw new UnusableDatabase(
      `${path} was written by a newer castbridge (version ${version} of the tables, this one knows ${files.length}): run the newer one, or name another file`,
    );
  files.slice(version).forEach((file, index) => {
    const sql = readFileSync(new URL(file, migrations), 'utf8');
    try {
      database.exec(`begin immediate; ${sql}; pragma application_id = ${APPLICATION_ID}; pragma user_version = ${version + index + 1}; commit`);
    } catch (error) {
      if (codeOf(error) !== SQLITE_ERROR) throw error;
      throw new UnusableDatabase(
        `${path} cannot be opened (${file}: ${(error as Error).message}): it is left as it was; run the castbridge that wrote it`,
      );
    }
  });
}

function pragma(database: DatabaseSyncInstance, name: string): number {
  const row = database.prepare(`pragma ${name}`).get() as Readonly<Record<string, number>>;
  return row[name] ?? 0;
}

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;

/** Says what to do about a file that cannot be opened. */
export function explained<Result>(path: string, open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    if (error instanceof UnusableDatabase || error instanceof StoreUnavailable) throw error;
    const what = error instanceof Error ? error.message : String(error);
    if (isDamage(error) || isFirstPageDamaged(error, path)) throw new DamagedDatabase(`${path} is damaged (${what})`);
    if (isDiskFailing(error)) throw new DiskFailing(`${path} cannot be opened (${what}): make room on its disk, or mend it; it is tried again`);
    throw new UnusableDatabase(`${path} cannot be opened (${what}): check the path, its permissions and the free space`);
  }
}

/** What SQLite says where a bit is wrong in the first page: of a header that asks for what it does not know, and of statements that do not fit its tables. */
function isFirstPageDamaged(error: unknown, path: string): boolean {
  if (codeOf(error) === SQLITE_ERROR) return true;
  return codeOf(error) === SQLITE_READONLY && isWritable(path);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
