import jsonc from 'jsonc-parser';
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

/** What a list is cut out of: the body itself, or the list under a key of it. */
type ListAt = { readonly key: string | null };

/** jsonc-parser's SyntaxKind: a `const enum`, which cannot be imported. */
const TOKEN = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, comma: 5, colon: 6, text: 10, end: 17 };
const [OPENING, CLOSING] = [
  [TOKEN.openBrace, TOKEN.openBracket],
  [TOKEN.closeBrace, TOKEN.closeBracket],
];

/**
 * The bytes of each element of a list in a body that is valid JSON, as they were sent: parsed and written again, a large number would be another one.
 * Null where there is no such list. As for JSON.parse, the last of several keys with one name counts.
 */
export function cutList(bytes: Buffer, { key }: ListAt): Buffer[] | null {
  const text = textOf(bytes) ?? '';
  const scanner = jsonc.createScanner(text, true);
  const inside = key === null ? 1 : 2;
  let found: Buffer[] | null = null;
  let depth = 0;
  let name: string | null = null;
  let [listed, from, to] = [false, -1, 0];
  const take = (): void => {
    if (from >= 0) found?.push(Buffer.from(text.slice(from, to)));
    from = -1;
  };
  for (let token: number = scanner.scan(); token !== TOKEN.end; token = scanner.scan()) {
    if (CLOSING?.includes(token)) depth -= 1;
    if (listed && depth < inside) [listed] = [false, take()];
    else if (listed && depth === inside && token === TOKEN.comma) take();
    else if (listed && from < 0) from = scanner.getTokenOffset();
    to = scanner.getTokenOffset() + scanner.getTokenLength();
    if (OPENING?.includes(token)) depth += 1;
    // In a valid body, what follows this name is its value, or the colon before it.
    if (!listed && depth === inside && token === TOKEN.openBracket && name === key) [found, listed] = [[], true];
    else if (key !== null && !listed && depth === 1 && token === TOKEN.colon && name === key) found = null;
    else if (key !== null && !listed && depth === 1 && token !== TOKEN.colon) name = token === TOKEN.text ? scanner.getTokenValue() : null;
  }
  return found;
}
