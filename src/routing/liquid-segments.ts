/** A part of a template in `{{ }}` or `{% %}`. */
export interface Segment {
  /** Null for `{{ }}`. */
  readonly tag: string | null;
  /** Offset of the first brace. */
  readonly start: number;
  readonly end: number;
  /** Offset of what is inside: behind `{{`, behind the name of the tag. */
  readonly inside: number;
  /** What is inside, as it stands. */
  readonly text: string;
  /** The same with what is in quotes blanked, so that signs there are none. */
  readonly code: string;
}

const SEGMENT = /\{\{-?([^]*?)-?\}\}|\{%-?\s*(\w+)([^]*?)-?%\}/g;

/** The parts of a template that are computed; those in `raw` and `comment` are not. */
export function segmentsOf(source: string): Segment[] {
  const segments: Segment[] = [];
  let literal: string | null = null;
  for (const match of source.matchAll(SEGMENT)) {
    const [whole, output, tag = null, rest] = match;
    if (literal !== null) {
      if (tag === `end${literal}`) literal = null;
      else continue;
    }
    if (tag === 'raw' || tag === 'comment') literal = tag;
    const text = output ?? rest ?? '';
    const start = match.index;
    const inside =
      start + (output === undefined ? whole.indexOf(tag ?? '') + (tag ?? '').length : whole.indexOf('{{') + (whole.startsWith('{{-') ? 3 : 2));
    segments.push({ tag, start, end: start + whole.length, inside, text, code: withoutQuotes(text) });
  }
  return segments;
}

export function withoutQuotes(text: string): string {
  return text.replace(/"[^"]*"|'[^']*'/g, (quoted) => (quoted[0] ?? '') + '_'.repeat(quoted.length - 2) + (quoted[0] ?? ''));
}

/** The same text with what is in `raw` and `comment` blanked. */
export function withoutLiterals(source: string): string {
  return source.replace(/\{%-?\s*(raw|comment)\s*-?%\}[^]*?\{%-?\s*end\1\s*-?%\}/g, (found) => ' '.repeat(found.length));
}
