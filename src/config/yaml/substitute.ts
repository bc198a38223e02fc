import { randomBytes } from 'node:crypto';
import type { ReadFile } from '../watch.js';
import { decodeFile, type NoText } from './file.js';

/** Where references get their values: the environment, files, and files that are made on the first start. */
export interface Lookup {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; null where there is none. */
  readonly read: (path: string) => string | NoText | null;
  /** A `generate:` file that does not exist yet: the secret it will hold. */
  readonly generated: Map<string, string>;
}

/** A part of a text, and how long what took its place is. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** A text with its references resolved, or what is wrong, where in the text, and what to do. `values` are what was filled in. */
export type Substituted =
  | { readonly ok: true; readonly text: string; readonly values: readonly string[]; readonly spans: readonly Span[] }
  | { readonly ok: false; readonly what: string; readonly remedy: string; readonly offset: number };

/** The offset before the references were resolved; the reference's own where it lies inside what was filled in. */
export function beforeSubstitution(offset: number, spans: readonly Span[]): number {
  let grown = 0;
  for (const { from, to, length } of spans) {
    if (offset < from + grown) break;
    if (offset < from + grown + length) return from;
    grown += length - (to - from);
  }
  return offset - grown;
}

/**
 * Resolves `${VAR}`, `${file:PATH}`, `${generate:PATH}` and `${VAR:-default}` in one text; `$${` is a literal `${`.
 * A default may hold references of its own. Trailing line ends of a file are not part of its value.
 */
export function substitute(text: string, lookup: Lookup): Substituted {
  let out = '';
  const values: string[] = [];
  const spans: Span[] = [];
  for (let at = 0; at < text.length;) {
    if (text.startsWith('$${', at)) {
      spans.push({ from: at, to: at + 3, length: 2 });
      out += '${';
      at += 3;
      continue;
    }
    if (!text.startsWith('${', at)) {
      out += text[at] ?? '';
      at += 1;
      continue;
    }
    const end = closingBrace(text, at + 2);
    if (end === TOO_DEEP)
      return { ok: false, what: `references stand more than ${DEPTH_MAX} deep in each other`, remedy: 'write fewer defaults', offset: at };
    if (end === -1) return { ok: false, what: '"${" is never closed', remedy: 'add "}", or write "$${" for a literal "${"', offset: at };
    const resolved = resolve(text.slice(at + 2, end), lookup);
    if (!resolved.ok) return { ...resolved, offset: at };
    spans.push({ from: at, to: end + 1, length: resolved.text.length });
    out += resolved.text;
    values.push(resolved.text);
    at = end + 1;
  }
  return { ok: true, text: out, values, spans };
}

type Resolved<Text = string> = { readonly ok: true; readonly text: Text } | { readonly ok: false; readonly what: string; readonly remedy: string };

function resolve(reference: string, lookup: Lookup): Resolved {
  const split = reference.indexOf(':-');
  const name = split === -1 ? reference : reference.slice(0, split);
  const value = valueOf(name, lookup);
  if (!value.ok) return value;
  if (value.text !== null && value.text !== '') return { ok: true, text: value.text };
  if (split !== -1) return substitute(reference.slice(split + 2), lookup);
  if (name.startsWith('file:'))
    return {
      ok: false,
      what: `the file ${name.slice(5)} cannot be read`,
      remedy: 'create it, or correct the path (it is taken from the working directory)',
    };
  return {
    ok: false,
    what: `the environment variable ${name} is ${value.text === '' ? 'empty' : 'not set'}`,
    remedy: `set it, or give a default: \${${name}:-…}`,
  };
}

/** Null: there is none. */
type Value = Resolved<string | null>;

function valueOf(name: string, lookup: Lookup): Value {
  if (name.startsWith('file:')) return fileValue(name.slice(5), lookup, (text) => text.replace(/[\r\n]+$/, ''));
  if (name.startsWith('generate:')) return generate(name.slice(9), lookup);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return { ok: false, what: `"\${${name}}" is no reference`, remedy: 'write ${VAR}, ${file:PATH} or ${generate:PATH}; "$${" is a literal "${"' };
  }
  return { ok: true, text: lookup.env[name] ?? null };
}

/** Without the mark of the byte order that some editors begin a file with. */
function fileValue(path: string, lookup: Lookup, trim: (text: string) => string): Value {
  const read = lookup.read(path);
  if (read === null) return { ok: true, text: null };
  if (typeof read !== 'string') return { ok: false, what: `the file ${path} is no text in UTF-8`, remedy: 'save it as UTF-8' };
  return { ok: true, text: trim(read.replace(/^\uFEFF/, '')) };
}

function generate(path: string, lookup: Lookup): Value {
  const known = fileValue(path, lookup, (text) => text.trim());
  if (!known.ok) return known;
  if (known.text === '') return { ok: false, what: `the secret file ${path} is empty`, remedy: 'delete it: a start makes a new one' };
  const secret = known.text ?? lookup.generated.get(path) ?? randomBytes(32).toString('hex');
  if (known.text === null) lookup.generated.set(path, secret);
  return { ok: true, text: secret };
}

/** A default that has a default, and so on. */
const DEPTH_MAX = 16;
const TOO_DEEP = -2;

/** The brace that closes the one before `from`, braces of inner references skipped; -1: none. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth += 1;
    else if (text[at] === '}' && --depth === 0) return at;
    if (depth > DEPTH_MAX) return TOO_DEEP;
  }
  return -1;
}

/** Reads files of the disk; anything that cannot be read counts as not there. */
export function readText(path: string, read: ReadFile): string | NoText | null {
  try {
    return decodeFile(read(path));
  } catch {
    return null;
  }
}
