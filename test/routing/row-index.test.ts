import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { compileGlob } from '../../src/routing/glob.js';
import type { Match } from '../../src/routing/match.js';
import { buildTable, type RouteRow } from '../../src/routing/table.js';
import { arbitraryEvent, arbitraryRows } from './arbitrary.js';
import { event } from './event.js';

const ignore = () => undefined;

/** How often conditions are evaluated for one event. */
function counted(rows: readonly RouteRow[]) {
  const compiler = createCompiler(ignore);
  let evaluated = 0;
  const condition: typeof compiler.condition = (source, path) => {
    const { holds, ...rest } = compiler.condition(source, path);
    return { ...rest, holds: (seen) => (evaluated++, holds(seen)) };
  };
  const table = buildTable(rows, null, { ...compiler, condition }, ignore);
  return { matched: (seen: EventView) => table.route(seen).matched, evaluated: () => evaluated };
}

const thousand = (row: (index: number) => Partial<RouteRow>): RouteRow[] =>
  Array.from({ length: 1_000 }, (_, index) => ({ name: `r${index}`, to: ['a'], stop: false, ...row(index) }));

it.each([
  ['literal types', (index: number) => ({ match: { type: `t${index}` } }), { type: 't7' }],
  ['lists of literal types', (index: number) => ({ match: { type: [`t${index}`, `u${index}`] } }), { type: 'u7' }],
  ['literal clusters, of any type', (index: number) => ({ match: { type: '*', cluster: `c${index}` } }), { cluster: { id: 'c7', name: 'x' } }],
  [
    'literal clusters, of one type',
    (index: number) => ({ match: { type: 'x', cluster: `c${index}` } }),
    { type: 'x', cluster: { id: null, name: 'c7' } },
  ],
  ['literal severities, without regard to case', (index: number) => ({ match: { severity: `S${index}` } }), { severity: 's7' }],
  [
    'a cluster in the condition',
    (index: number) => ({ where: `event.name != "x" && event.cluster.name == "c${index}"` }),
    { cluster: { id: null, name: 'c7' } },
  ],
  ['a type in the condition, the other way round', (index: number) => ({ where: `("t${index}" == event.type && true)` }), { type: 't7' }],
  ['a list in the condition', (index: number) => ({ where: `event["id"] in ["i${index}", "j${index}"]` }), { id: 'j7' }],
])('of 1,000 rows that differ by %s, one is looked at', (_, row, parts) => {
  const rows = thousand((index) => ({ where: 'true', ...row(index) }));
  const { matched, evaluated } = counted(rows);
  expect(matched(event(parts))).toEqual(['r7']);
  expect(evaluated()).toBe(1);
});

it('a condition that may hold without the equality is looked at for every event', () => {
  const rows = thousand((index) => ({ where: `event.cluster.name == "c${index}" || event.type == "x"` }));
  expect(counted(rows).matched(event({ type: 'x' }))).toHaveLength(1_000);
});

/** The rule as the documentation tells it, row by row. */
function naively(rows: readonly RouteRow[], seen: EventView): string[] {
  const { condition } = createCompiler(ignore);
  const found: string[] = [];
  for (const { name, match, where, stop } of rows) {
    const holds = where === undefined ? () => true : condition(where, []).holds;
    if (!matches(match ?? {}, seen)) continue;
    try {
      if (!holds(seen)) continue;
    } catch {
      found.push(`${name} failed`);
      continue;
    }
    found.push(name);
    if (stop) break;
  }
  return found;
}

function matches({ source, type, severity, name, cluster }: Match, seen: EventView): boolean {
  const any = (patterns: string | readonly string[] | undefined, values: readonly (string | null)[], lower = false) =>
    [patterns ?? '*']
      .flat()
      .some((pattern) => pattern === '*' || values.some((value) => value !== null && compileGlob(lower ? pattern.toLowerCase() : pattern)(value)));
  return (
    any(source, [seen.source]) &&
    any(type, [seen.type]) &&
    any(severity, [seen.severity?.toLowerCase() ?? null], true) &&
    any(name, [seen.name]) &&
    any(cluster, [seen.cluster.name, seen.cluster.id])
  );
}

it('gives every event what trying each row in order would give', () => {
  fc.assert(
    fc.property(arbitraryRows, arbitraryEvent, (rows, seen) => {
      const { owes, matched } = buildTable(rows, null, createCompiler(ignore), ignore).route(seen);
      const failed = owes.flatMap((owed) => (owed.state === 'dead' && owed.route !== null ? [`${owed.route} failed`] : []));
      const expected = naively(rows, seen);
      expect(matched).toEqual(expected.filter((name) => !name.endsWith('failed')));
      expect(failed).toEqual(expected.filter((name) => name.endsWith('failed')));
      expect([...new Set(owes.flatMap(({ route, state }) => (route === null ? [] : [state === 'dead' ? `${route} failed` : route])))]).toEqual(
        expected,
      );
    }),
    { numRuns: 1_000 },
  );
});
