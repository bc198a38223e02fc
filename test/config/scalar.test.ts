import fc from 'fast-check';
import { isScalar, parseDocument, Scalar, stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { offsetsIn } from '../../src/config/yaml/scalar.js';

/** The scalar that is the value of `a`, its text in the file, and its value. */
function scalarOf(yaml: string): { raw: string; type: Scalar['type']; value: string } {
  const node = parseDocument(yaml).get('a', true);
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) throw new Error('no text');
  return { raw: yaml.slice(node.range[0], node.range[1]), type: node.type, value: node.value };
}

/** Where `word` begins in the file, found through the value. */
function found(yaml: string, word: string): string {
  const { raw, type, value } = scalarOf(yaml);
  const offset = offsetsIn(raw, type, value)?.[value.indexOf(word)] ?? -1;
  return raw.slice(offset, offset + word.length);
}

describe('a word of a text is found in the file', () => {
  it.each([
    ['plain', 'a: one two here'],
    ['plain over lines', 'a: one\n  two\n\n\n  three here\n'],
    ['single quotes', "a: 'it''s ''here'''"],
    ['single quotes over lines', "a: 'it''s\n  two\n\n  here'"],
    ['double quotes', 'a: "\\u00e9\\x41\\n\\t\\"\\U0001F600 here"'],
    ['double quotes over lines', 'a: "one \\\n   two\n   three\n\n   \\n here"'],
    ['a literal block', 'a: |\n    one\n\n      two\n    here\n'],
    ['a literal block with its indentation stated', 'a: |2-\n    one\n  here\n'],
    ['a literal block with Windows line ends', 'a: |\r\n  one\r\n  two here\r\n'],
    ['a folded block', 'a: >-\n  one\n  two\n\n  three\n\n\n  four here\n'],
    ['a folded block with a part indented further', 'a: >\n  one\n    two\n    three\n  four here\n'],
  ])('%s', (_, yaml) => {
    expect(found(yaml, 'here')).toBe('here');
  });
});

it('each character that stands there as it is, is found, in whatever style the text is written', () => {
  const words = fc.array(fc.constantFrom('one', 'two', ' ', '\n', "'", '"', '\\', ': ', 'é', '😀', '#'), { minLength: 1, maxLength: 12 });
  const styles = fc.constantFrom<Scalar.Type>('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED');
  let exact = 0;
  fc.assert(
    fc.property(words, styles, fc.constantFrom(0, 20), (parts, style, lineWidth) => {
      const written = new Scalar(`x${parts.join('')}`);
      written.type = style;
      const { raw, type, value } = scalarOf(stringify({ a: written }, { lineWidth }));
      const offsets = offsetsIn(raw, type, value);
      if (offsets === null) return;
      exact += 1;
      expect(offsets).toHaveLength(value.length + 1);
      for (let index = 0; index < value.length; index++) {
        const char = value.charAt(index);
        if (/[a-z]/.test(char)) expect(raw[offsets[index] ?? -1]).toBe(char);
      }
    }),
    { seed: 11, numRuns: 500 },
  );
  expect(exact).toBeGreaterThan(450);
});
