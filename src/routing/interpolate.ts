import type { Mistake } from './mistake.js';

/** A part of a text: as it stands, or an expression between braces. Offsets count from the text's start. */
export type Part = { readonly literal: string } | { readonly expression: string; readonly offset: number };

/** Splits `castai.{event.type}`; `{{` and `}}` are braces. A number: the offset of a brace that is never closed, or opened. */
export function splitInterpolated(text: string): Part[] | number {
  const parts: Part[] = [];
  let literal = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === text[at + 1] && (char === '{' || char === '}')) {
      literal += char;
      at += 1;
    } else if (char === '}') {
      return at;
    } else if (char === '{') {
      const end = closing(text, at + 1);
      if (end === -1 || text.slice(at + 1, end).trim() === '') return at;
      if (literal !== '') parts.push({ literal });
      literal = '';
      parts.push({ expression: text.slice(at + 1, end), offset: at + 1 });
      at = end;
    } else {
      literal += char ?? '';
    }
  }
  if (literal !== '') parts.push({ literal });
  return parts;
}

/** `{{ event.type }}` is what Liquid writes: here it would be a brace and a text. */
export function liquidIn(text: string): Mistake | null {
  const found = /\{\{-?\s*(event\b[\w.[\]"']*)[^{}]*\}\}/.exec(text);
  if (found === null) return null;
  return { what: `"${found[0]}" is Liquid: this is CEL in single braces`, remedy: `write {${found[1] ?? ''}}`, offset: found.index };
}

/** The brace that closes the one before `from`; braces of CEL's maps and texts are skipped. */
function closing(text: string, from: number): number {
  let depth = 1;
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote !== '') {
      if (char === '\\') at += 1;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '{') depth += 1;
    else if (char === '}' && --depth === 0) return at;
  }
  return -1;
}
