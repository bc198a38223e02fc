import { jsonFault } from './json-fault.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A body as a text: null where it is no UTF-8. Strips a BOM: for reading only, the bytes themselves go on unchanged. */
export function textOf(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** A parsed body, or one plain line of why it cannot be read. Whatever its content type says. */
export function readJson(bytes: Buffer): { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly detail: string } {
  const text = textOf(bytes);
  if (text === null) return { ok: false, detail: 'the body is not valid UTF-8' };
  try {
    return { ok: true, body: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, detail: jsonFault(text) };
  }
}
