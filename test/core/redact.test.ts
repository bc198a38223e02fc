import { expect, it } from 'vitest';
import { createRedact, createRedaction } from '../../src/core/redact.js';

it('T47: finds a secret as it is, inside a URL, and inside JSON', () => {
  const redact = createRedact(['pa"ss/word?', 'pa']);
  const text = redact(`a pa"ss/word? b ${encodeURIComponent('pa"ss/word?')} c ${JSON.stringify({ x: 'pa"ss/word?' })}`);
  expect(text).toBe('a [redacted] b [redacted] c {"x":"[redacted]"}');
});

it('leaves a text alone where there is nothing to hide', () => {
  expect(createRedact([''])('plain')).toBe('plain');
});

it('takes half a character for what it is', () => {
  expect(createRedact(['\ud83esecret'])('a \ud83esecret')).toBe('a [redacted]');
});

it('T47: hides the secrets of every configuration that is in use, and of no other', () => {
  const { redact, add, remove } = createRedaction();
  const [old, next] = [
    ['first-secret', 'shared'],
    ['second-secret', 'shared'],
  ];
  add(old);
  add(next);
  expect(redact('first-secret second-secret shared')).toBe('[redacted] [redacted] [redacted]');
  remove(old);
  expect(redact('first-secret second-secret shared')).toBe('first-secret [redacted] [redacted]');
});
