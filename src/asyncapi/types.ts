import type { Lead } from '../config/configuration.js';
import { isGlob } from '../routing/glob.js';
import { listOf } from '../routing/match.js';
import type { Json } from './document.js';

/** Types of the events that these rows take. */
export function typeSchema(rows: readonly Lead[]): Json {
  const any = { type: 'string', minLength: 1, description: 'type of the event' };
  const patterns = rows.map(({ match }) => listOf(match?.type));
  const all = [...new Set(patterns.flatMap((list) => list ?? '*'))];
  if (all.includes('*')) return any;
  return all.some(isGlob) ? { ...any, pattern: `^(?:${all.map(expressionOf).join('|')})$` } : { ...any, enum: all };
}

/** A glob as a regular expression. Its `?` is half of a character beyond U+FFFF, of which a regular expression has the whole: so it may stand for none, too. */
function expressionOf(glob: string): string {
  const escaped = glob.replace(/[\\^$.|+()[\]{}/-]/g, (char) => (char === '-' ? char : `\\${char}`));
  return escaped.replaceAll('*', '[\\s\\S]*').replaceAll('?', '[\\s\\S]?');
}
