import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Test files that hold a suite of such a name: for the line that says what is left out. */
export function suitesThatCall(name: RegExp): string[] {
  const tests = import.meta.dirname;
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && name.test(readFileSync(join(tests, file), 'utf8')))
    .map((file) => `test/${file}`);
}
