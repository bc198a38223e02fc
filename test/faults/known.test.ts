import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const TESTS = new URL('..', import.meta.url).pathname;

it('every fault of docs/known-faults.md is the name of a test, and the tests name no other', () => {
  const page = readFileSync(join(TESTS, '../docs/known-faults.md'), 'utf8');
  const known = [...page.matchAll(/^\| (T\d\d) /gm)].map((match) => match[1]);
  const named = new Set<string>();
  for (const file of readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) => /^(?!faults\/known).*\.ts$/.test(name)))
    for (const title of readFileSync(join(TESTS, file), 'utf8').matchAll(/(?:\bit|describe)(?:\.\w+)*(?:\([^'"`]*)?\(\s*['"`]([^'"`]*)/g))
      for (const number of title[1]?.match(/\bT\d\d\b/g) ?? []) named.add(number);
  expect([...named].sort()).toEqual([...new Set(known)].sort());
});
