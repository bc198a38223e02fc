import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { closeSync, copyFileSync, existsSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { discard } from './aside.js';
import { codeOf, isDamage, SQLITE_ERROR } from './faults.js';

const PAGE_BYTES = 4_096;
/** Offset of the number that says for which change the header's page count holds: another one, and SQLite goes by the size of the file. */
const VALID_FOR = 92;

/** Offset of two numbers that say whether there may be a WAL. */
const VERSIONS = 18;
const WITH_WAL = 2;

/** A database that is read around its damage. */
export interface Source {
  readonly database: DatabaseSyncInstance;
  /** Its first page is not its own: whatever it holds has to prove that it is of this program. */
  readonly grafted: boolean;
  close(): void;
}

/**
 * Opens a damaged file for reading. Where its first page, which names the tables, or its size cannot be true, a copy is opened that has the first page of
 * `fresh`, a file of this program without rows: its first tables stand at the same pages in every file.
 */
export function openSource(file: string, fresh: string): Source {
  // SQLite deletes the WAL of an empty file as soon as it reads it.
  const direct = statSync(file).size === 0 ? null : openWhole(file);
  if (direct !== null) return { database: direct, grafted: false, close: () => direct.close() };
  const copy = `${file}.grafted`;
  discard(copy);
  copyFileSync(file, copy);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
  graft(copy, readFileSync(fresh));
  const database = new DatabaseSync(copy, { readOnly: true });
  const close = (): void => {
    database.close();
    discard(copy);
  };
  return { database, grafted: true, close };
}

/** What a table had from the beginning, and what is asked of it. */
export const COLUMNS = {
  events: 'seq, uid, source, format, id, type, received_ms, body',
  deliveries: 'event_seq, n, route, sink, state, due_ms, attempts, attempts_before, since_ms, reason, detail, settled_ms',
  attempts: 'event_seq, n, attempt, started_ms, duration_ms, outcome, reason, answer',
  dedup: 'first_seq, entries',
};

/** What the tables of a later version have beside that. */
const ADDED: readonly { readonly version: number; readonly sql: string }[] = [
  { version: 2, sql: 'select crc from events' },
  { version: 3, sql: 'select headers from events' },
  { version: 5, sql: 'select dead_n, dead from deliveries' },
  { version: 6, sql: 'select order_key from deliveries' },
  { version: 7, sql: 'select duration_ms from deliveries' },
];

/** Null where not even the names of the tables and columns can be read: without its checksum's column, no event would be known to be damaged. */
function openWhole(file: string): DatabaseSyncInstance | null {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    for (const [table, columns] of Object.entries(COLUMNS)) database.prepare(`select ${columns} from ${table}`);
    const { user_version } = database.prepare('pragma user_version').get() as { user_version: number };
    for (const { version, sql } of ADDED) if (user_version >= version) database.prepare(sql);
    return database;
  } catch (error) {
    database.close();
    if (isDamage(error) || codeOf(error) === SQLITE_ERROR) return null;
    throw error;
  }
}

/** Makes the copy as long as the first pages of its tables ask for, and its first page that of `fresh`. */
function graft(copy: string, fresh: Buffer): void {
  const page = Buffer.from(fresh.subarray(0, PAGE_BYTES));
  page.writeUInt32BE(page.readUInt32BE(VALID_FOR) ^ 1, VALID_FOR);
  page.fill(WITH_WAL, VERSIONS, VERSIONS + 2);
  const descriptor = openSync(copy, 'r+');
  try {
    ftruncateSync(descriptor, Math.max(fresh.length, Math.ceil(statSync(copy).size / PAGE_BYTES) * PAGE_BYTES));
    writeSync(descriptor, page, 0, PAGE_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
}
