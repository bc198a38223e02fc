import type { Report } from '../core/problem.js';
import { globCovers, isGlob } from './glob.js';
import { catchesAll, listOf, MATCH_KEYS, patternsOf, type MatchKey } from './match.js';
import type { RouteRow } from './table.js';

/** Rows with `stop` that a row is compared with, of those under one text and of those with globs alone: enough for tables that people write. */
const WALLS_MAX = 100;

/** Tells of rows, and of an `otherwise`, that no event reaches: they look as if they did something. Certain of each, but does not find all. */
export function warnUnreachable(rows: readonly RouteRow[], otherwise: readonly string[] | null, warn: Report): void {
  const walls = createWalls();
  for (const [index, row] of rows.entries()) {
    const wall = walls.before(row);
    if (wall === null) {
      if (row.stop && row.where === undefined) walls.add(row, index);
      continue;
    }
    const path = ['routes', index];
    const above = rows[wall];
    if (above === undefined || !catchesAll(above)) {
      const what = `no event reaches the row "${row.name}": the row "${above?.name ?? ''}" above it (routes[${wall}]) takes each of its events and stops`;
      warn({ path, what, remedy: `move it above, or delete \`stop\` there` });
      continue;
    }
    const more = rows.length - index - 1;
    const what = `no event reaches the row "${row.name}"${more > 0 ? `, nor the ${more} below it` : ''}: the row "${above.name}" (routes[${wall}]) takes every event and stops`;
    warn({ path, what, remedy: 'move that row to the end, or delete its `stop`' });
    break;
  }
  const all = rows.find(catchesAll);
  if (otherwise !== null && all !== undefined)
    warn({ path: ['otherwise'], what: `no event is left for it: the row "${all.name}" takes every event`, remedy: 'delete it, or narrow that row' });
}

interface Wall {
  readonly index: number;
  readonly row: RouteRow;
}

/** The rows that stop, so that finding those that may hide a row does not look at all of them. */
function createWalls(): { add(row: RouteRow, index: number): void; before(row: RouteRow): number | null } {
  const broad: Wall[] = [];
  const byText = new Map<string, Wall[]>();
  const entry = (key: MatchKey, text: string): string => `${key}\0${text}`;
  const listOfEntry = (name: string): Wall[] => {
    const list = byText.get(name) ?? [];
    byText.set(name, list);
    return list;
  };
  return {
    add(row, index) {
      // A row whose patterns of a key are literal hides only rows with the same texts there: it is filed where the fewest are.
      const filings = MATCH_KEYS.flatMap((key) => {
        const texts = asked(row, key);
        return texts === null || texts.some(isGlob) ? [] : [texts.map((text) => listOfEntry(entry(key, text)))];
      });
      const lengths = filings.map((lists) => Math.max(0, ...lists.map((list) => list.length)));
      for (const list of filings[lengths.indexOf(Math.min(...lengths))] ?? [broad]) if (list.length < WALLS_MAX) list.push({ index, row });
    },
    before(row) {
      const literal = MATCH_KEYS.flatMap((key) => byText.get(entry(key, asked(row, key)?.[0] ?? '')) ?? []);
      return [...broad, ...literal].find((wall) => hides(wall.row, row))?.index ?? null;
    },
  };
}

/** Does `upper` match whatever `lower` matches? Key by key: each pattern below is covered by one above. */
function hides(upper: RouteRow, lower: RouteRow): boolean {
  return MATCH_KEYS.every((key) => {
    const above = asked(upper, key);
    if (above === null) return true;
    return asked(lower, key)?.every((pattern) => above.some((wider) => globCovers(wider, pattern))) ?? false;
  });
}

/** What a row asks at a key; null where it takes anything, a missing value too. */
function asked(row: RouteRow, key: MatchKey): readonly string[] | null {
  const patterns = listOf(row.match?.[key]);
  return patterns === null || patterns.includes('*') ? null : patternsOf(key, patterns);
}
