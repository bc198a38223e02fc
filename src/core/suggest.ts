/** `did you mean "ops-slack"?`, or the list to choose from: the remedy part of a problem. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== null) return `did you mean "${near}"?`;
  if (known.length === 0) return 'there is none to choose from';
  const more = known.length > LISTED_MAX ? ` and ${known.length - LISTED_MAX} more` : '';
  return `known are: ${[...known].sort().slice(0, LISTED_MAX).join(', ')}${more}`;
}

/** A longer list is read by nobody. */
const LISTED_MAX = 30;

/** Every wrong word is compared with every known one: a large table with many of both must not take minutes. */
const COMPARED_MAX = 500;

/** The one that is a slip of the finger away from `word`; null where it is not clear that one is meant. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of known.slice(0, COMPARED_MAX)) {
    const limit = best === null ? Infinity : best.distance;
    // Each letter that one has more is an edit.
    if (Math.abs(word.length - candidate.length) >= limit) continue;
    const distance = editDistance(word, candidate, limit);
    if (distance < limit) best = { candidate, distance };
  }
  if (best === null) return null;
  const { candidate, distance } = best;
  return distance <= Math.max(1, Math.floor(candidate.length / 3)) || haveOneStem(word, candidate) ? candidate : null;
}

/** `retries` for `retry`: more edits than a slip of the finger, and the same word. */
function haveOneStem(word: string, candidate: string): boolean {
  const stem = candidate.slice(0, Math.max(STEM_CHARS_MIN, candidate.length - 2)).toLowerCase();
  return candidate.length >= STEM_CHARS_MIN && word.toLowerCase().startsWith(stem);
}

const STEM_CHARS_MIN = 4;

/** Longer words are not compared: a typing mistake is short, and the cost is the product of the lengths. */
const WORD_CHARS_MAX = 64;

/** Levenshtein's, with an exchange of neighbours counted as one edit, case ignored; Infinity where it is no less than `limit`. */
function editDistance(left: string, right: string, limit: number): number {
  const a = left.slice(0, WORD_CHARS_MAX).toLowerCase();
  const b = right.slice(0, WORD_CHARS_MAX).toLowerCase();
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const exchange = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? (beforeLast[column - 2] ?? Infinity) + 1 : Infinity;
      current.push(Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution, exchange));
    }
    // An exchange looks one row further back.
    if (Math.min(...current) >= limit && Math.min(...last) >= limit) return Infinity;
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
