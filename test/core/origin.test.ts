import { expect, it } from 'vitest';
import { originOf } from '../../src/core/origin.js';

it.each([
  ['127.0.0.1', 'http://127.0.0.1:3000'],
  ['localhost', 'http://localhost:3000'],
  ['0.0.0.0', 'http://127.0.0.1:3000'],
  ['::', 'http://[::1]:3000'],
  ['::1', 'http://[::1]:3000'],
  ['10.1.2.3', 'http://10.1.2.3:3000'],
])('a listener on %s is reached at %s', (host, origin) => {
  expect(originOf(host, 3_000)).toBe(origin);
  expect(URL.canParse(origin)).toBe(true);
});
