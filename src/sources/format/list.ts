import jsonc from 'jsonc-parser';
import { isObject, own } from './fields.js';
import { readJson, textOf } from './json-body.js';

/**
 * The bytes of each element of a list, as they were sent: parsed and written again, a large number would be another one. The list is the body itself, or
 * stands in it under `key`. Null where there is no such list, or the body is no JSON.
 */
export function cutList(bytes: Buffer, key: string | null): Buffer[] | null {
  if (key === null && !isList(bytes)) return null;
  const json = readJson(bytes);
  if (!json.ok) return null;
  const { body } = json;
  const list = key === null ? body : isObject(body) ? own(body, key) : null;
  return Array.isArray(list) ? cut(textOf(bytes) ?? '', key) : null;
}

const BRACKET = 0x5b;

/** By its first character: what cannot be a list is not parsed for it. */
function isList(bytes: Buffer): boolean {
  const first = bytes.findIndex((byte) => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte));
  return bytes[first] === BRACKET;
}

/** jsonc-parser's SyntaxKind: a `const enum`, which cannot be imported. */
const TOKEN = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, comma: 5, colon: 6, text: 10, end: 17 };
const OPENING: readonly number[] = [TOKEN.openBrace, TOKEN.openBracket];
const CLOSING: readonly number[] = [TOKEN.closeBrace, TOKEN.closeBracket];

/** Of a text that is valid JSON and has the list. As for JSON.parse, the last of several keys with one name counts. */
function cut(text: string, key: string | null): Buffer[] {
  const scanner = jsonc.createScanner(text, true);
  const inside = key === null ? 1 : 2;
  let found: Buffer[] = [];
  let depth = 0;
  let name: string | null = null;
  let listed = false;
  let [from, to] = [-1, 0];
  const take = (): void => {
    if (from >= 0) found.push(Buffer.from(text.slice(from, to)));
    from = -1;
  };
  for (let token: number = scanner.scan(); token !== TOKEN.end; token = scanner.scan()) {
    if (CLOSING.includes(token)) depth -= 1;
    if (listed && (depth < inside || (depth === inside && token === TOKEN.comma))) {
      take();
      listed = depth === inside;
    } else if (listed && from < 0) from = scanner.getTokenOffset();
    to = scanner.getTokenOffset() + scanner.getTokenLength();
    if (OPENING.includes(token)) depth += 1;
    // In a valid body, what follows this name is its value, or the colon before it.
    if (!listed && depth === inside && token === TOKEN.openBracket && name === key) [found, listed] = [[], true];
    else if (key !== null && !listed && depth === 1 && token !== TOKEN.colon) name = token === TOKEN.text ? scanner.getTokenValue() : null;
  }
  return found;
}
