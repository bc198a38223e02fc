import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** 'CBRG' as a number: tells this program's files from other SQLite databases. */
const APPLICATION_ID = 0x43425247;

/** Pages in the WAL before they are moved into the file: low enough to keep the slowest commits near the median. */
const CHECKPOINT_PAGES = 500;

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** A file that cannot serve as the store; the text says what to do. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

/** Opens the file for writing, makes it where it does not exist, and brings its tables up to date. */
export function openDatabase(path: string, migrations = MIGRATIONS): DatabaseSyncInstance {
  return explained(path, () => {
    makePrivate(path);
    refuseOrphanedWal(path);
    const database = new DatabaseSync(path);
    refuseOthers(database, path);
    database.exec(
      `pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}; pragma busy_timeout = 1000`,
    );
    migrate(database, path, migrations);
    return database;
  });
}

/** Opens the file for reading beside the writer. */
export function openForReading(path: string): DatabaseSyncInstance {
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('pragma busy_timeout = 1000');
  return database;
}

/** Takes the lock that keeps a second process off the file. It dies with the process, also by kill -9. */
export function lock(path: string): { release(): void } {
  return explained(path, () => {
    const file = `${realPath(path)}.lock`;
    makePrivate(file);
    const database = new DatabaseSync(file);
    try {
      database.exec('pragma journal_mode = memory; begin exclusive');
    } catch (error) {
      database.close();
      if (codeOf(error) !== SQLITE_BUSY) throw error;
      throw new UnusableDatabase(`${path} is in use by another castbridge: stop it, or give this one a file of its own (storage.path)`);
    }
    return { release: () => database.close() };
  });
}

/** One name for one file, whatever links lead to it. */
function realPath(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
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
  throw new UnusableDatabase(`${path} is empty, but ${path}-wal holds events: put back the file that belongs to it, or move both away to begin anew`);
}

function refuseOthers(database: DatabaseSyncInstance, path: string): void {
  const id = pragma(database, 'application_id');
  const tables = database.prepare('select count(*) as count from sqlite_master').get() as { count: number };
  if (id === APPLICATION_ID || (id === 0 && tables.count === 0)) return;
  database.close();
  throw new UnusableDatabase(`${path} is a database of another program: name another file (storage.path)`);
}

function migrate(database: DatabaseSyncInstance, path: string, migrations: URL): void {
  const files = readdirSync(migrations)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const version = pragma(database, 'user_version');
  if (version > files.length) {
    database.close();
    throw new UnusableDatabase(
      `${path} was written by a newer castbridge (version ${version} of the tables, this one knows ${files.length}): run the newer one, or name another file`,
    );
  }
  files.slice(version).forEach((file, index) => {
    const sql = readFileSync(new URL(file, migrations), 'utf8');
    database.exec(`begin immediate; ${sql}; pragma application_id = ${APPLICATION_ID}; pragma user_version = ${version + index + 1}; commit`);
  });
}

function pragma(database: DatabaseSyncInstance, name: string): number {
  const row = database.prepare(`pragma ${name}`).get() as Readonly<Record<string, number>>;
  return row[name] ?? 0;
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** The primary result code of an SQLite error; null for anything else. The driver leaves it out where a query was reading. */
export function codeOf(error: unknown): number | null {
  if (error instanceof Error && error.message === 'database disk image is malformed') return SQLITE_CORRUPT;
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** Says what to do about a file that cannot be opened. */
export function explained<Result>(path: string, open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    if (error instanceof UnusableDatabase) throw error;
    if (codeOf(error) === SQLITE_NOTADB) throw new UnusableDatabase(`${path} is not a database: name another file (storage.path), or move it away`);
    if (codeOf(error) === SQLITE_CORRUPT) throw new UnusableDatabase(textOf(error, path));
    throw new UnusableDatabase(`${path} cannot be opened (${textOf(error, path)}): check the path, its permissions and the free space`);
  }
}

/** What an error says, and for a damaged file what to do about it. */
export function textOf(error: unknown, path: string): string {
  const what = error instanceof Error ? error.message : String(error);
  if (codeOf(error) !== SQLITE_CORRUPT) return what;
  return `${path} is damaged (${what}): keep a copy, then recover it with \`sqlite3 FILE .recover\`, or move it away to begin anew`;
}
