import type { Scalar } from 'yaml';

/**
 * Where each character of a scalar's value stands in `raw`, the text between the scalar's start and end; one entry more for the value's end.
 * Null where the two cannot be brought together: then only the scalar's start is known.
 */
export function offsetsIn(raw: string, type: Scalar['type'], value: string): readonly number[] | null {
  const found = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED' ? inBlock(raw, value) : inFlow(raw, type ?? 'PLAIN');
  return found !== null && found.length === value.length + 1 ? found : null;
}

/** A line's end with the blanks around it, and blank lines behind it: one of them is a space, further ones stay. */
const FOLD = /[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*/y;

/** In double quotes, a line's end behind a backslash is nothing at all. */
const JOINED = /\\\r?\n[ \t]*/y;

function inFlow(raw: string, type: Scalar.Type): number[] | null {
  const quote = type === 'QUOTE_DOUBLE' ? '"' : type === 'QUOTE_SINGLE' ? "'" : '';
  if (!raw.startsWith(quote)) return null;
  const end = raw.length - quote.length;
  const found: number[] = [];
  for (let at = quote.length; at < end;) {
    const joined = quote === '"' ? matchAt(JOINED, raw, at) : null;
    const fold = joined === null ? matchAt(FOLD, raw, at) : null;
    if (joined !== null) {
      at += joined.length;
    } else if (fold !== null) {
      const breaks = fold.split('\n').length - 1;
      for (let count = 0; count < Math.max(1, breaks - 1); count++) found.push(at);
      at += fold.length;
    } else if (quote === '"' && raw[at] === '\\') {
      const { length, units } = escapeAt(raw, at);
      for (let count = 0; count < units; count++) found.push(at);
      at += length;
    } else {
      found.push(at);
      at += quote === "'" && raw.startsWith("''", at) ? 2 : 1;
    }
  }
  return [...found, end];
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** How long an escape is, and how many units of UTF-16 it stands for. */
function escapeAt(raw: string, at: number): { length: number; units: number } {
  const digits = { x: 2, u: 4, U: 8 }[raw[at + 1] ?? ''] ?? 0;
  const code = Number.parseInt(raw.slice(at + 2, at + 2 + digits), 16);
  return { length: 2 + digits, units: code > 0xffff ? 2 : 1 };
}

/** Line by line: what a line holds behind its indentation stands in the value as it is; between lines there are line ends, or a space where they were folded. */
function inBlock(raw: string, value: string): number[] | null {
  const header = raw.indexOf('\n') + 1;
  const lines = raw.slice(header).split('\n');
  const stated = /^[|>][+-]?([1-9])/.exec(raw)?.[1];
  const first = /^ */.exec(lines.find((line) => line.trim() !== '') ?? '')?.[0].length ?? 0;
  // A stated indentation counts from the parent's, which does not show here: what stands before the value's own first character tells.
  const indentation = stated === undefined ? first : first - (/^ */.exec(value.trimStart() === value ? '' : value)?.[0].length ?? 0);
  const found: number[] = [];
  let at = header;
  for (const line of lines) {
    const text = line.slice(indentation).replace(/\r$/, '');
    if (text !== '' && !value.startsWith(text, found.length)) {
      // A folded line begins behind a space or the line ends of the blank lines above it.
      while (found.length < value.length && /[ \n]/.test(value[found.length] ?? '') && !value.startsWith(text, found.length)) found.push(at - 1);
      if (!value.startsWith(text, found.length)) return null;
    }
    for (let index = 0; index < text.length; index++) found.push(at + indentation + index);
    if (value[found.length] === '\n') found.push(at + line.length);
    at += line.length + 1;
  }
  while (found.length < value.length) found.push(raw.length);
  return [...found.slice(0, value.length), raw.length];
}
