import type { Report } from '../core/problem.js';
import type { Equality } from './equality.js';
import { compileGlob } from './glob.js';
import { listOf, MATCH_KEYS, patternsOf, type Match } from './match.js';
import type { RouteRow } from './table.js';

/** Tells of rows that ask for the same as one above: it sends to the same sink again, or stops what would reach them. */
export function warnTwice(rows: readonly RouteRow[], warn: Report): void {
  const sends = new Map<string, string>();
  const stops = new Map<string, string>();
  rows.forEach((row, index) => {
    const asks = `${row.where?.trim() ?? ''}\0${JSON.stringify(matchOf(row.match))}`;
    const wall = stops.get(asks);
    // Without a condition it is told with what else the wall hides. With one it may still not be evaluated, which is a dead letter for either row.
    if (wall !== undefined && row.where !== undefined) {
      const what = `the row "${row.name}" sends nothing: the row "${wall}" above it asks for the same and stops`;
      warn({ path: ['routes', index], what, remedy: 'delete one of them, or the `stop`' });
    }
    if (wall !== undefined) return;
    if (row.stop) stops.set(asks, row.name);
    row.to.forEach((sink, position) => {
      const key = `${asks}\0${sink}`;
      const first = sends.get(key);
      if (first === undefined) return void sends.set(key, row.name);
      const what = `the row "${first}" sends the same events to "${sink}": each is delivered twice`;
      warn({ path: ['routes', index, 'to', position], what, remedy: 'delete one of them' });
    });
  });
}

/** The same for matches that mean the same. */
function matchOf(match: Match | undefined): unknown {
  return MATCH_KEYS.map((key) => {
    const patterns = listOf(match?.[key]);
    return patterns === null || patterns.includes('*') ? null : [...new Set(patternsOf(key, patterns))].sort();
  });
}

/** Tells of a condition that asks for a text which `match`, or another part of it, does not allow. */
export function warnContradiction(row: RouteRow, index: number, equalities: readonly Equality[], warn: Report): void {
  for (const { field, values } of equalities) {
    const other = equalities.find((equality) => equality.field === field && !equality.values.some((value) => values.includes(value)));
    const path = ['routes', index, 'where'];
    if (other !== undefined) {
      const what = `the row "${row.name}" matches no event: \`event.${field}\` cannot be both ${shown(values)} and ${shown(other.values)}`;
      warn({ path, what, remedy: 'write || where either will do' });
      return;
    }
    const patterns = field === 'type' || field === 'source' || field === 'name' ? listOf(row.match?.[field]) : null;
    if (patterns === null || patterns.includes('*') || values.some((value) => patterns.some((pattern) => compileGlob(pattern)(value)))) continue;
    const what = `the row "${row.name}" matches no event: \`match.${field}\` does not take ${shown(values)}, which \`where\` asks for`;
    warn({ path, what, remedy: 'mend one of them' });
    return;
  }
}

/** Signs that stand for something in other languages of patterns, and for themselves here. Types, severities and clusters hold none of them. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/^!/, 'ask in `where` for what must not be'],
  [/[|{}]/, 'write a list: [a, b]'],
  [/^\^|\$$|\\|^\/.*\/$/, 'write it without: a pattern matches the whole text, `*` any run of characters, `?` one'],
  [/(?:^|[^\p{L}\p{N}])\.\*/u, 'write `*` alone: it is any run of characters'],
  [/[[\]]/, 'write a list, or `?` for any one character'],
];

/** Tells of patterns that are written as in other languages: they match nothing, or not what is meant. */
export function warnForeignPatterns(row: RouteRow, index: number, warn: Report): void {
  for (const key of ['type', 'severity', 'cluster'] as const) {
    const patterns = row.match?.[key];
    (listOf(patterns) ?? []).forEach((pattern, entry) => {
      const remedy = SIGNS.find(([sign]) => sign.test(pattern))?.[1];
      const path = ['routes', index, 'match', key, ...(typeof patterns === 'string' ? [] : [entry])];
      if (remedy !== undefined) warn({ path, what: `"${pattern}" is taken as it stands, but for \`*\` and \`?\``, remedy });
    });
  }
}

/** Tells of a condition that looks at nothing. */
export function warnConstant({ name }: RouteRow, index: number, warn: Report): void {
  const what = `the condition of the row "${name}" looks at nothing of the event: it is the same for every one`;
  warn({ path: ['routes', index, 'where'], what, remedy: 'delete it, or the row' });
}

function shown(values: readonly string[]): string {
  return values.length === 0 ? 'of an empty list' : values.map((value) => `"${value}"`).join(' or ');
}
