import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCompiler } from '../../src/routing/compiler.js';
import type { RowVerdict } from '../../src/routing/explanation.js';
import { buildTable, type RouteRow } from '../../src/routing/table.js';
import { arbitraryEvent, arbitraryRows } from './arbitrary.js';
import { event } from './event.js';

function build(rows: readonly RouteRow[]) {
  const fail = (problem: unknown) => {
    throw new Error(JSON.stringify(problem));
  };
  return buildTable(rows, null, createCompiler(fail), () => undefined);
}

function explain(row: Partial<RouteRow>, parts: Parameters<typeof event>[0] = {}): RowVerdict | undefined {
  return build([{ name: 'page', to: ['ops'], stop: false, ...row }]).explain(event(parts))[0]?.verdict;
}

const DEV = { cluster: { id: 'c-1', name: 'dev-1' }, data: { count: 3, labels: { team: 'blue' } } };

describe('why a row does not apply', () => {
  it.each([
    ['source', { source: 'other' }, { 'event.source': 'castai' }],
    ['type', { type: ['a', 'b*'] }, { 'event.type': 'resource.created' }],
    ['severity', { severity: 'critical' }, { 'event.severity': null }],
    ['name', { name: '?*' }, { 'event.name': null }],
    ['cluster', { cluster: 'prod-*' }, { 'event.cluster.name': 'dev-1', 'event.cluster.id': 'c-1' }],
  ] as const)('its %s: the patterns, and what the event had', (at, match, saw) => {
    const wanted = Object.values(match).flat().join(', ');
    expect(explain({ match }, DEV)).toEqual({ kind: 'failed', at, wanted, saw });
  });

  it.each([
    ['event.cluster.name == "prod-1"', 'event.cluster.name == "prod-1"', { 'event.cluster.name': 'dev-1' }],
    ['event.type != "x" && event.data.count > 5 && event.id == "no"', 'event.data.count > 5', { 'event.data.count': 3 }],
    [
      'event.type != "x" && (event.name == "a" || (event.severity == "b"))',
      'event.name == "a" || (event.severity == "b")',
      { 'event.name': null, 'event.severity': null },
    ],
    ['has(event.data.owner)', 'has(event.data.owner)', { 'event.data.owner': '(missing)' }],
    ['event.data.labels["team"] == "red"', 'event.data.labels["team"] == "red"', { 'event.data.labels.team': 'blue' }],
    ['"x" in event.data.?tags.orValue([])', '"x" in event.data.?tags.orValue([])', { 'event.data.tags': '(missing)' }],
    ['true && (event.id + ")").size() > 100 // (', '(event.id + ")").size() > 100', { 'event.id': 'evt_1' }],
    ['["a"].exists(event, event == "b")', '["a"].exists(event, event == "b")', {}],
  ])('its condition: of %s the part %s, and the fields it looked at', (where, wanted, saw) => {
    expect(explain({ where }, DEV)).toEqual({ kind: 'failed', at: 'where', wanted, saw });
  });

  it('a condition that cannot be evaluated: the part that could not, and why', () => {
    expect(explain({ where: 'event.type != "x" && event.data.size > 1' }, DEV)).toEqual({
      kind: 'error',
      wanted: 'event.data.size > 1',
      detail: 'No such key: size',
      saw: { 'event.data.size': '(missing)' },
    });
    expect(explain({ where: 'event.data.count' }, DEV)).toMatchObject({ kind: 'error', wanted: 'event.data.count', saw: { 'event.data.count': 3 } });
  });

  it('a row above stopped the search', () => {
    const rows = [
      { name: 'first', to: ['a'], stop: true },
      { name: 'second', to: ['b'], stop: false, where: 'event.data.x' },
      { name: 'third', to: ['b'], stop: true },
    ];
    expect(build(rows).explain(event())).toEqual([
      { row: 'first', to: ['a'], verdict: { kind: 'matched', stops: true } },
      { row: 'second', to: ['b'], verdict: { kind: 'skipped', behind: 'first' } },
      { row: 'third', to: ['b'], verdict: { kind: 'skipped', behind: 'first' } },
    ]);
  });
});

it('explains every table and event as it routes them', () => {
  fc.assert(
    fc.property(arbitraryRows, arbitraryEvent, (rows, seen) => {
      const table = build(rows);
      const routed = table.route(seen);
      const explained = table.explain(seen);
      expect(explained.map(({ row }) => row)).toEqual(rows.map(({ name }) => name));
      expect(explained.filter(({ verdict }) => verdict.kind === 'matched').map(({ row }) => row)).toEqual(routed.matched);
      const errors = explained.flatMap(({ row, verdict }) => (verdict.kind === 'error' ? [[row, verdict.detail]] : []));
      const dead = routed.owes.flatMap((owed) => (owed.state === 'dead' && owed.route !== null ? [[owed.route, owed.detail]] : []));
      expect(errors).toEqual(dead);
      const stopper = explained.findIndex(({ verdict }) => verdict.kind === 'matched' && verdict.stops);
      const skipped = explained.map(({ verdict }) => verdict.kind === 'skipped');
      expect(skipped).toEqual(rows.map((_, index) => stopper !== -1 && index > stopper));
      for (const { verdict } of explained) if (verdict.kind === 'failed' || verdict.kind === 'error') expect(verdict.wanted).not.toBe('');
    }),
    { numRuns: 500 },
  );
});
