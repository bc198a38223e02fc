import { MISSING, type RowVerdict, type Saw } from '../routing/explanation.js';

/** A value longer than this is cut: a line is read at a glance. */
const VALUE_CHARS_MAX = 100;

/** What a row made of an event, in words. */
export function wordsOf(verdict: RowVerdict): string {
  switch (verdict.kind) {
    case 'matched':
      return verdict.stops ? 'yes, and it stops: no row below is looked at' : 'yes';
    case 'failed':
      return `no: ${verdict.at} \`${verdict.wanted}\`${sawWords(verdict.saw)}`;
    case 'error':
      return `its condition cannot be evaluated: ${verdict.detail}: where \`${verdict.wanted}\`${sawWords(verdict.saw)}`;
    case 'skipped':
      return `not looked at: "${verdict.behind}" above it matched and stops`;
  }
}

function sawWords(saw: Saw): string {
  const seen = Object.entries(saw).map(([field, value]) => `${field} is ${valueWords(value)}`);
  return seen.length === 0 ? '' : `, and ${seen.join(', ')}`;
}

/** A value as JSON writes it, in one line that is no longer than a line. */
export function valueWords(value: unknown): string {
  if (value === MISSING) return 'missing';
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX - 1)}…` : text;
}
