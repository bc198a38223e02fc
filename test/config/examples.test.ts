import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { lineOf } from '../../src/config/finding.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';
import { runTests } from '../../src/trial/run.js';
import { ENV, FILES } from './examples.js';

/** A row as these files write it. */
interface Row {
  readonly name: string;
  readonly match?: Readonly<Record<string, unknown>>;
  readonly where?: string;
  readonly to: readonly string[];
  readonly stop?: boolean;
}

interface Shape {
  readonly sinks: Readonly<Record<string, object>>;
  readonly routes: readonly Row[];
  readonly otherwise?: { readonly to: readonly string[] };
  readonly tests?: readonly { readonly expect?: { readonly rows?: readonly string[]; readonly not?: unknown } }[];
}

describe.each(FILES)('%s', (file) => {
  it('is right, and warns of nothing', () => {
    const loaded = loadConfig(file, ENV, kinds);
    expect(loaded.ok ? [] : loaded.problems.map(lineOf)).toEqual([]);
    expect(loaded.warnings).toEqual([]);
  });

  it('has tests that pass, and one for every row', () => {
    const loaded = loadConfig(file, ENV, kinds);
    if (!loaded.ok) throw new Error('it does not load');
    const { ok, results, uncovered } = runTests(loaded.config, loaded.config.tests);
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    expect([ok, uncovered]).toEqual([true, []]);
  });

  it.each(mutations(parse(readFileSync(file, 'utf8'), { merge: true }) as Shape))('has a test that fails where $what', ({ shape }) => {
    const loaded = parseConfig(stringify(shape), file, ENV, kinds);
    // A mutation that the loader refuses is found without a test.
    if (!loaded.ok) return;
    const { ok } = runTests(loaded.config, loaded.config.tests);
    expect(ok).toBe(false);
  });
});

/** Every small change of a table: a row or `otherwise` gone, a target more, less or other, a condition or a `stop` gone. */
function mutations(shape: Shape): { readonly what: string; readonly shape: Shape }[] {
  const sinks = Object.keys(shape.sinks);
  const changed = (what: string, index: number, row: Row | null) => {
    const routes = shape.routes.flatMap((one, at) => (at === index ? (row ?? []) : [one]));
    return { what, shape: { ...shape, routes } };
  };
  const inRows = shape.routes.flatMap((row, index) => {
    const { match = {}, where, stop, ...rest } = row;
    const others = sinks.filter((sink) => !row.to.includes(sink));
    return [
      changed(`the row ${row.name} is gone`, index, null),
      ...others.map((sink) => changed(`the row ${row.name} goes to ${sink} too`, index, { ...row, to: [...row.to, sink] })),
      ...others.map((sink) => changed(`the row ${row.name} goes to ${sink} alone`, index, { ...row, to: [sink] })),
      // Without what is `*` nothing changes.
      ...Object.keys(match)
        .filter((key) => match[key] !== '*')
        .map((key) =>
          changed(`the row ${row.name} asks for no ${key}`, index, {
            ...row,
            match: Object.fromEntries(Object.entries(match).filter(([one]) => one !== key)),
          }),
        ),
      ...(where === undefined ? [] : [changed(`the row ${row.name} has no condition`, index, { ...rest, match, ...(stop && { stop }) })]),
      ...(stop === true ? [changed(`the row ${row.name} does not stop`, index, { ...row, stop: false })] : []),
    ];
  });
  const { otherwise, ...without } = shape;
  if (otherwise === undefined) return inRows;
  return [
    ...inRows,
    { what: '`otherwise` is gone', shape: without },
    ...sinks
      .filter((sink) => !otherwise.to.includes(sink))
      .map((sink) => ({ what: `\`otherwise\` goes to ${sink}`, shape: { ...shape, otherwise: { to: [sink] } } })),
  ];
}
