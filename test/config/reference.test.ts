import { describe, expect, it } from 'vitest';
import { referencePage } from '../../src/config/schema/reference.js';
import { CEL_EXAMPLES, EVENT_FIELDS, LIQUID_EXAMPLES } from '../../src/config/schema/expressions.js';
import { createCompiler } from '../../src/routing/compiler.js';
import { kinds } from '../../src/kinds.js';

/** What Markdown makes of a line of a table. */
const cellsOf = (line: string): string[] =>
  line
    .replace(/^\| | \|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

describe('the reference page', () => {
  const tables = referencePage(kinds)
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .map((block) => block.trimEnd().split('\n'));
  const rows = tables.filter(([head]) => head?.startsWith('| key')).flatMap((lines) => lines.slice(2));

  it('is tables whose every line has as many cells as the head', () => {
    expect(tables.length).toBeGreaterThan(10);
    for (const [head = '', ...lines] of tables) {
      for (const line of lines) expect([line, line.endsWith('|'), cellsOf(line).length]).toEqual([line, true, cellsOf(head).length]);
    }
  });

  it('describes every key in a fragment without a dot, so that all read alike', () => {
    const descriptions = rows.map((line) => cellsOf(line)[4] ?? '');
    // Names of products and formats keep their capitals.
    expect(descriptions.filter((text) => !/^(?:[a-z`]|PEM |Block Kit )/.test(text) || text.endsWith('.'))).toEqual([]);
  });

  it('shows conditions, texts and fields that compile', () => {
    const problems: unknown[] = [];
    const compiler = createCompiler((problem) => problems.push(problem));
    for (const [condition] of CEL_EXAMPLES) compiler.condition(condition, [condition]);
    for (const [text] of LIQUID_EXAMPLES) compiler.template(text, [text], String);
    for (const [field] of EVENT_FIELDS) compiler.template(`{{ ${field} }}`, [field], String);
    for (const [field] of EVENT_FIELDS) compiler.expression(field, [field]);
    expect(problems).toEqual([]);
    expect(EVENT_FIELDS.map(([field]) => field)).toHaveLength(12);
  });

  it('tells the bounds', () => {
    expect(rows.find((line) => line.startsWith('| `retry.initial`'))).toContain('duration, 1ms to 24d');
    expect(rows.find((line) => line.startsWith('| `concurrency`'))).toContain('integer, 1 to 256');
  });
});
