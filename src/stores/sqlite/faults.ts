import { StoreUnavailable } from '../../core/store.js';

/** A file that cannot serve as the store, by a mistake that only a person can mend; the text says what to do. */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

/** The file does not hold what was written to it: it has to be salvaged. */
export class DamagedDatabase extends StoreUnavailable {}

/** The disk has no room, or fails: it is tried again. */
export class DiskFailing extends StoreUnavailable {}

/** A table or a column is missing, or a statement is not understood. */
export const SQLITE_ERROR = 1;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** The primary result code of an SQLite error; null for anything else. The driver leaves it out where a query was reading. */
export function codeOf(error: unknown): number | null {
  if (error instanceof Error && error.message === 'database disk image is malformed') return SQLITE_CORRUPT;
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** Does it say that the file is damaged? A number that no column ever held counts too. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedDatabase) return true;
  if (error instanceof Error && error.message.startsWith('Value is too large to be represented')) return true;
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(codeOf(error) ?? 0);
}

/** Is it the disk that fails, and not what was asked of it? */
export function isDiskFailing(error: unknown): boolean {
  if (error instanceof DiskFailing) return true;
  if (error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EIO'].includes(String(error.code))) return true;
  return [SQLITE_FULL, SQLITE_IOERR].includes(codeOf(error) ?? 0);
}

/** What crosses from a thread. */
export type FaultKind = 'unusable' | 'damaged' | 'disk' | 'other';

export function kindOf(error: unknown): FaultKind {
  if (error instanceof UnusableDatabase) return 'unusable';
  return isDamage(error) ? 'damaged' : isDiskFailing(error) ? 'disk' : 'other';
}

/** Back from what crossed. */
export function faultOf(kind: FaultKind, text: string): Error {
  switch (kind) {
    case 'unusable':
      return new UnusableDatabase(text);
    case 'damaged':
      return new DamagedDatabase(text);
    case 'disk':
      return new DiskFailing(text);
    case 'other':
      return new StoreUnavailable(text);
  }
}
