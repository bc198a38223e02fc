import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/core/problem.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { compileGlob, globCovers } from '../../src/routing/glob.js';
import { buildTable, type RouteRow } from '../../src/routing/table.js';
import { arbitraryEvent, arbitraryRows } from './arbitrary.js';

type Row = Partial<RouteRow>;

function build(rows: readonly Row[], otherwise: readonly string[] | null = null) {
  const warnings: Problem[] = [];
  const fail = (problem: Problem) => {
    throw new Error(problem.what);
  };
  const named = rows.map((row, index) => ({ name: `r${index}`, to: [`s${index}`], stop: false, ...row }));
  return { warnings, ...buildTable(named, otherwise, createCompiler(fail), (warning) => warnings.push(warning)) };
}

describe('a row that no event reaches', () => {
  it.each<[string, Row['match'], Row]>([
    ['a glob above', { type: 'a*' }, { match: { type: 'ab*' } }],
    ['a glob above the texts it takes', { type: 'a?' }, { match: { type: ['ab', 'ac'] } }],
    ['the same text above', { type: 'a' }, { match: { type: 'a', cluster: 'x' }, where: 'event.data.n > 1' }],
    ['a list above', { type: ['a', 'b'], cluster: 'prod-*' }, { match: { type: ['b', 'a'], cluster: 'prod-1' } }],
    ['a severity in capitals', { severity: 'Critical' }, { match: { severity: ['CRITICAL'] } }],
    ['a key that takes anything', { type: 'a', name: '*' }, { match: { type: 'a' } }],
  ])('below %s', (_, match, row) => {
    expect(build([{ match, stop: true }, row]).warnings).toEqual([
      {
        path: ['routes', 1],
        what: 'no event reaches the row "r1": the row "r0" above it (routes[0]) takes each of its events and stops',
        remedy: 'move it above, or delete `stop` there',
      },
    ]);
    expect(build([{ match, stop: false }, row]).warnings).toEqual([]);
    expect(build([{ match, where: 'event.id != ""', stop: true }, row]).warnings).toEqual([]);
  });

  it('below one that takes everything is told once, however many there are', () => {
    expect(build([{ stop: true }, { to: ['a'] }, {}, {}]).warnings).toEqual([
      {
        path: ['routes', 1],
        what: 'no event reaches the row "r1", nor the 2 below it: the row "r0" (routes[0]) takes every event and stops',
        remedy: 'move that row to the end, or delete its `stop`',
      },
    ]);
  });

  it.each<[string, Row['match'], Row['match']]>([
    ['another text', { type: 'a' }, { type: 'b' }],
    ['a text that only one of two patterns takes', { type: 'a*' }, { type: ['ab', 'b'] }],
    ['a glob that takes more', { type: 'ab*' }, { type: 'a*' }],
    ['any event, also one that has no name', { name: '?*' }, {}],
    ['another cluster of the type', { type: 'a', cluster: 'x' }, { type: 'a' }],
  ])('is not one that takes %s', (_, upper, lower) => {
    expect(build([{ match: upper, stop: true }, { match: lower }]).warnings).toEqual([]);
  });

  it('is called so only where no event matches it', () => {
    let told = 0;
    fc.assert(
      fc.property(arbitraryRows, arbitraryEvent, (rows, seen) => {
        const { warnings, route } = build(rows);
        const named = (words: RegExp) => warnings.filter(({ what }) => words.test(what)).map(({ path }) => rows[Number(path[1])]?.name);
        const dead = named(/no event reaches|matches no event/);
        told += dead.length;
        const { matched, owes } = route(seen);
        for (const name of dead) expect([...matched, ...owes.map((owed) => owed.route)]).not.toContain(name);
        for (const name of named(/sends nothing/)) expect(matched).not.toContain(name);
      }),
      { numRuns: 2_000 },
    );
    expect(told).toBeGreaterThan(100);
  });

  it('is looked for among 10,000 rows without comparing each with each', () => {
    let reads = 0;
    const rows = Array.from({ length: 10_000 }, (_, index) => ({
      name: `n${index}`,
      to: [`s${index}`],
      stop: true,
      get match() {
        reads++;
        return index % 2 === 0 ? { type: `t${index}x*` } : { type: `t${index}x`, cluster: 'a' };
      },
    }));
    const fail = () => expect.unreachable();
    buildTable(rows, null, createCompiler(fail), fail);
    expect(reads).toBeLessThan(10_000_000);
  });
});

it('a glob covers another only where it takes each of its texts', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 5 });
  fc.assert(
    fc.property(glob, glob, fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 }), (wider, narrower, text) => {
      if (globCovers(wider, narrower) && compileGlob(narrower)(text)) expect(compileGlob(wider)(text)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

describe('a table that looks as if it did more than it does', () => {
  it('an `otherwise` that gets nothing', () => {
    expect(build([{ match: { type: '*' } }], ['rest']).warnings).toEqual([
      { path: ['otherwise'], what: 'no event is left for it: the row "r0" takes every event', remedy: 'delete it, or narrow that row' },
    ]);
    expect(build([{ match: { type: '?*', name: '*' } }], ['rest']).warnings).toEqual([]);
  });

  it('two rows that send the same events to the same sink', () => {
    const match = { type: ['b', 'a'], severity: 'CRITICAL' };
    const rows = [
      { match, to: ['x', 'y'] },
      { match: { severity: 'critical', type: ['a', 'b'], name: '*' }, to: ['z', 'y'] },
    ];
    expect(build(rows).warnings).toEqual([
      { path: ['routes', 1, 'to', 1], what: 'the row "r0" sends the same events to "y": each is delivered twice', remedy: 'delete one of them' },
    ]);
    expect(build([rows[0] ?? {}, { ...rows[1], where: 'event.name == ""' }]).warnings).toEqual([]);
  });

  it('a row behind one that asks for the same and stops: nothing is delivered twice', () => {
    const where = 'event.name == "x"';
    expect(
      build([
        { where, stop: true, to: ['x'] },
        { where, to: ['x'] },
      ]).warnings,
    ).toEqual([
      {
        path: ['routes', 1],
        what: 'the row "r1" sends nothing: the row "r0" above it asks for the same and stops',
        remedy: 'delete one of them, or the `stop`',
      },
    ]);
    expect(
      build([
        { match: { type: 'a' }, stop: true, to: ['x'] },
        { match: { type: 'a' }, to: ['x'] },
      ]).warnings,
    ).toMatchObject([{ what: expect.stringContaining('no event reaches') as string }]);
  });

  it.each<[Row, string]>([
    [{ where: 'event.type == "a" && "b" == event.type' }, 'the row "r0" matches no event: `event.type` cannot be both "a" and "b"'],
    [{ where: 'event.type in ["a", "b"] && event.type == "c"' }, 'the row "r0" matches no event: `event.type` cannot be both "a" or "b" and "c"'],
    [{ match: { type: 'a*' }, where: 'event.type == "b"' }, 'the row "r0" matches no event: `match.type` does not take "b", which `where` asks for'],
  ])('%j matches nothing', (row, what) => {
    expect(build([row]).warnings).toMatchObject([{ path: ['routes', 0, 'where'], what }]);
  });

  it.each(['true', '1 == 2 && "a" == "a"'])('a condition that is the same for every event: %s', (where) => {
    expect(build([{ where }]).warnings).toEqual([
      {
        path: ['routes', 0, 'where'],
        what: 'the condition of the row "r0" looks at nothing of the event: it is the same for every one',
        remedy: 'delete it, or the row',
      },
    ]);
  });

  it.each<[Row]>([
    [{ where: 'event.type in ["a", "b"] && event.type == "b"' }],
    [{ match: { type: ['c', 'a*'] }, where: 'event.type == "ab"' }],
    [{ match: { type: 'a' }, where: 'event.type == "b" || event.name == "x"' }],
  ])('%j may match', (row) => {
    expect(build([row]).warnings).toEqual([]);
  });
});
