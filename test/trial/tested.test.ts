import { describe, expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';
import { tested } from '../../src/trial/tested.js';
import { ENV, SECRET, TABLE, WEBHOOK, runOf, testOf } from './tables.js';

const load = (more: string) => tested(parseConfig(TABLE + more, 'bridge.yaml', ENV, kinds));
const LINE = TABLE.split('\n').length + 1;

describe('a configuration is refused where a test of its own fails', () => {
  it('with one line a test, at what it expects', () => {
    const loaded = load('tests:\n  - { name: pages, given: { source: castai, event: { type: known } }, expect: [events, ops] }\n');
    expect(loaded.ok ? [] : loaded.problems.map(lineOf)).toEqual([
      `bridge.yaml:${LINE}:71  tests[0].expect: "pages" fails: to: expected [events, ops], and it is owed to [events] (row page: no: severity \`critical\`, and event.severity is null; row late: no: type \`placed\`, and event.type is "known"; row twice: no: type \`twice\`, and event.type is "known"; …); mend the table or the test; \`castbridge test\` shows more`,
    ]);
  });

  it('and goes through as it was where all of them pass, or there are none', () => {
    expect(load('')).toMatchObject({ ok: true });
    expect(load('tests: [{ name: n, given: { source: castai, event: { type: known } }, expect: [events] }]')).toMatchObject({ ok: true });
  });

  it('without a secret in what is said of a message', () => {
    const expected = { messages: { cmdb: { headers: { authorization: `Bearer ${SECRET}x` } } } };
    const loaded = load(`tests: ${JSON.stringify([testOf({ event: { type: 'placed', data: { path: 'a' } } }, expected)])}`);
    const lines = loaded.ok ? [] : loaded.problems.map(lineOf);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('[redacted]');
    for (const secret of [SECRET, WEBHOOK]) expect(lines.join()).not.toContain(secret);
  });
});

it('thousands of tests are run in order, each for itself', () => {
  const types = ['known', 'twice', 'nobody’s'];
  const owed = [['events'], ['ops', 'ops'], []];
  const { ok, results } = runOf(
    ...Array.from({ length: 5_000 }, (_, index) => testOf({ event: { type: types[index % 3] } }, owed[index % 3], `${index}`)),
  );
  expect(ok).toBe(true);
  expect(results.map(({ test }) => test.name)).toEqual(Array.from({ length: 5_000 }, (_, index) => `${index}`));
});
