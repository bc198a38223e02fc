import { describe, expect, it } from 'vitest';
import { differencesOf } from '../../src/trial/difference.js';
import { redacted } from '../../src/trial/redacted.js';

describe('what was expected is a part of what is sent', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['keys that are not named may be anything', { a: 1 }, { a: 1, b: 2 }, []],
    ['a list has as many items', { a: [1] }, { a: [1, 2] }, ['a: expected 1 items, sent     2']],
    ['items are compared in their places', { a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 1, c: 0 }, { b: 3 }] }, ['a[1].b: expected 2, sent     3']],
    ['a number is no text', { a: '1' }, { a: 1 }, ['a: expected "1", sent     1']],
    ['nothing is what is not there', { a: null }, {}, []],
    [
      'a key of every object is none of the message',
      { constructor: null, toString: 'x' },
      {},
      ['toString: expected "x", sent     nothing of that name'],
    ],
    ['JSON in a text is looked into, where its parts are asked for', { value: { id: 'e1' } }, { value: '{"id":"e1","n":1}' }, []],
    [
      'and not where a text is',
      { value: '{"id":"e1"}' },
      { value: '{"id": "e1"}' },
      ['value: expected "{\\"id\\":\\"e1\\"}", sent     "{\\"id\\": \\"e1\\"}"'],
    ],
    ['a text that is no JSON has no parts', { value: { id: 'e1' } }, { value: 'e1' }, ['value: expected {"id":"e1"}, sent     "e1"']],
    [
      'of long texts only the lines between the first and the last that differ are told',
      { text: 'a\nb\nc\nd' },
      { text: 'a\nx\ny\nc\nd' },
      ['text: from line 2 on:, - b, + x, + y'],
    ],
  ])('%s', (_what, expected, sent, said) => {
    expect(differencesOf(expected, sent).map(({ path, lines }) => `${path}: ${lines.join(', ')}`)).toEqual(said);
  });

  it('of very many differences the first ones are told', () => {
    expect(
      differencesOf(
        Array.from({ length: 100 }, () => 1),
        Array.from({ length: 100 }, () => 2),
      ).map(({ path }) => path),
    ).toEqual(Array.from({ length: 10 }, (_, index) => `[${index}]`));
  });
});

it('what is shown has its secrets taken out, wherever they stand', () => {
  const redact = (text: string): string => text.replaceAll('canary', '[redacted]');
  expect(redacted({ a: ['canary', { 'x-canary': 'a canary' }], n: 1, none: null }, redact)).toEqual({
    a: ['[redacted]', { 'x-[redacted]': 'a [redacted]' }],
    n: 1,
    none: null,
  });
});
