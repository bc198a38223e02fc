import { DamagedDatabase } from './faults.js';

/** SQLite's driver ends a text at a NUL, and UTF-8 has no lone surrogates: such a text is kept as a blob of its UTF-16. */
export function textIn(text: string): string | Buffer {
  return /[\0\p{Cs}]/u.test(text) ? Buffer.from(text, 'utf16le') : text;
}

/** Back from a column that `textIn` filled. */
export function textOut(value: string | Uint8Array): string {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) throw new DamagedDatabase('a text is none');
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf16le');
}
