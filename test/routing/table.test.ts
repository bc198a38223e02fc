import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import type { Problem } from '../../src/core/problem.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { compileGlob } from '../../src/routing/glob.js';
import { catchesAll } from '../../src/routing/match.js';
import { buildTable, type RouteRow } from '../../src/routing/table.js';
import { event } from './event.js';

function table(rows: readonly (Partial<RouteRow> & { to: readonly string[] })[], otherwise: readonly string[] | null = null) {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const built = buildTable(
    rows.map((row, index) => ({ name: `r${index}`, stop: false, ...row })),
    otherwise,
    createCompiler(report),
    (warning) => void warnings.push(warning),
  );
  const sinks = (seen: EventView) => built.route(seen).owes.map((owed) => (owed.state === 'waiting' ? `${owed.route}>${owed.sink}` : owed.reason));
  return { route: built.route, sinks, problems, warnings };
}

describe('the table', () => {
  it('applies every row that matches, in order', () => {
    const { sinks } = table([{ match: { type: 'resource.*' }, to: ['a', 'b'] }, { match: { type: 'other' }, to: ['c'] }, { to: ['a'] }]);
    expect(sinks(event())).toEqual(['r0>a', 'r0>b', 'r2>a']);
  });

  it('ends at a row that matched and stops, not at one that did not match', () => {
    const rows = [{ match: { severity: 'critical' }, to: ['page'], stop: true }, { to: ['all'] }];
    expect(table(rows).sinks(event({ severity: 'Critical' }))).toEqual(['r0>page']);
    expect(table(rows).sinks(event({ severity: 'info' }))).toEqual(['r1>all']);
  });

  it('T08: what no row matched goes to otherwise, or is kept as unrouted', () => {
    const rows = [{ match: { type: 'other' }, to: ['a'] }];
    expect(table(rows, ['rest']).sinks(event())).toEqual(['otherwise>rest']);
    expect(table(rows).route(event()).owes).toMatchObject([{ state: 'dead', sink: null, route: null, reason: 'unrouted' }]);
  });

  it('T05: a condition that cannot be evaluated keeps the event, beside what other rows owe', () => {
    const rows = [{ to: ['all'] }, { where: 'event.data.missing.field == 1', to: ['a'], stop: true }, { to: ['last'] }];
    expect(table(rows).sinks(event())).toEqual(['r0>all', 'route_error', 'r2>last']);
    expect(table([{ where: 'event.data.n', to: ['a'] }], ['rest']).route(event({ data: { n: 1 } })).owes).toMatchObject([
      { state: 'dead', reason: 'route_error', route: 'r0', detail: 'the condition gives a number, not true or false' },
    ]);
  });

  it('matches lists as any of, and every key given', () => {
    const { sinks } = table([{ match: { severity: ['critical', 'ERROR'], cluster: 'prod-*' }, to: ['a'] }], ['no']);
    expect(sinks(event({ severity: 'error', cluster: { id: null, name: 'prod-eu' } }))).toEqual(['r0>a']);
    expect(sinks(event({ severity: 'error', cluster: { id: 'prod-1', name: null } }))).toEqual(['r0>a']);
    expect(sinks(event({ severity: 'error', cluster: { id: null, name: 'dev' } }))).toEqual(['otherwise>no']);
  });

  it('a value the event does not have matches nothing but `*`', () => {
    expect(table([{ match: { name: '?*' }, to: ['a'] }], ['no']).sinks(event())).toEqual(['otherwise>no']);
    expect(table([{ match: { name: '*' }, to: ['a'] }], ['no']).sinks(event())).toEqual(['r0>a']);
  });

  it('types such as `constructor` and `__proto__` are types like others', () => {
    const { sinks } = table([{ match: { type: '__proto__' }, to: ['a'] }], ['no']);
    for (const type of ['constructor', 'toString', 'hasOwnProperty']) expect(sinks(event({ type }))).toEqual(['otherwise>no']);
    expect(sinks(event({ type: '__proto__' }))).toEqual(['r0>a']);
  });

  it.each(['x', 'y'])('keeps the order of rows with literal types and with globs, for %s', (type) => {
    const rows = [
      { match: { type: 'x' }, to: ['a'] },
      { match: { type: '?' }, to: ['b'] },
      { match: { type: ['y', 'x', 'x'] }, to: ['c'] },
      { where: `event.type == "${type}"`, to: ['d'], stop: true },
      { match: { type: 'x' }, to: ['never'] },
      { match: { type: '*' }, to: ['never'] },
    ];
    expect(table(rows).sinks(event({ type }))).toEqual([...(type === 'x' ? ['r0>a'] : []), 'r1>b', 'r2>c', 'r3>d']);
  });

  it.each([
    [{}, true],
    [{ match: {} }, true],
    [{ match: { type: '*' } }, true],
    [{ match: { type: ['a', '*'], name: '*' } }, true],
    [{ match: { type: ['*'], name: 'a*' } }, false],
    [{ match: { type: '*' }, where: 'event.id != ""' }, false],
  ])('whether %j catches all is %j, to who asks and to events', (row, expected) => {
    expect(catchesAll(row)).toBe(expected);
    const { warnings } = table([{ ...row, to: ['a'], stop: true }, { to: ['b'] }]);
    expect(warnings).toHaveLength(expected ? 1 : 0);
  });

  it('10,000 rows of other types are not tested', () => {
    let tests = 0;
    const problems: Problem[] = [];
    const compiler = createCompiler((problem) => problems.push(problem));
    const rows = Array.from({ length: 10_000 }, (_, index) => ({
      name: `r${index}`,
      stop: false,
      match: { type: `t${index}` },
      where: 'true',
      to: ['a'],
    }));
    const counting = { ...compiler, condition: () => ({ equalities: [], constant: false, holds: () => (tests++, true) }) };
    const report = (problem: Problem) => void problems.push(problem);
    const { route } = buildTable([...rows, { name: 'all', stop: false, where: 'true', to: ['b'] }], null, counting, report);
    expect(route(event({ type: 't5000' })).matched).toEqual(['r5000', 'all']);
    expect(tests).toBe(2);
  });

  it('reports a row that no event can reach', () => {
    expect(table([{ match: { type: '*' }, to: ['a'], stop: true }, { to: ['b'] }]).warnings).toMatchObject([{ path: ['routes', 1] }]);
    expect(table([{ match: { type: 'x' }, to: ['a'], stop: true }, { to: ['b'] }]).warnings).toEqual([]);
  });

  it('gives an answer to every event, whatever is in it', () => {
    const { route } = table([
      { match: { type: 'a*b?c*' }, to: ['a'] },
      { where: 'event.name.startsWith("x") || event.data.n > 5 || has(event.cluster.name)', to: ['b'] },
    ]);
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string()), fc.anything(), (type, name, data) => {
        expect(route(event({ type, name, data })).owes.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a glob', () => {
  it('agrees with the regular expression it stands for', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?', '.', '**');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.constantFrom('a', 'b', '.', '*'), { maxLength: 10 }), (pieces, letters) => {
        const pattern = pieces.join('');
        const source = pattern.replace(/[.]/g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.');
        expect(compileGlob(pattern)(letters.join(''))).toBe(new RegExp(`^${source}$`, 's').test(letters.join('')));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not blow up where a backtracking matcher would', () => {
    expect(compileGlob(`${'*a'.repeat(50)}b`)('a'.repeat(20_000))).toBe(false);
  });
});
