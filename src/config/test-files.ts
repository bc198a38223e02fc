import { dirname, isAbsolute, join } from 'node:path';
import type { Report } from '../core/problem.js';
import type { Kinds } from '../kinds.js';
import { openDocument } from './checking/checker.js';
import { decodeFile } from './yaml/file.js';
import type { Finding } from './finding.js';
import type { Lookup } from './yaml/substitute.js';
import { TestFileSchema } from './schema/test-schema.js';
import type { ReadFile } from './watch.js';
import { buildTests, type RoutingTest, type TestNames } from './tests.js';

interface Reading {
  readonly names: TestNames;
  readonly kinds: Kinds;
  readonly lookup: Lookup;
  readonly readFile: ReadFile;
}

/** What files of tests hold, and every mistake in them. */
export interface TestFiles {
  readonly tests: readonly RoutingTest[];
  readonly problems: readonly Finding[];
  /** Texts that references were replaced with. */
  readonly substituted: readonly string[];
}

/** Reads the files that a configuration names, from where it stands itself; one that cannot be read is reported there. */
export function readTestFiles(
  names: readonly string[],
  configFile: string,
  { report, ...reading }: Reading & { readonly report: Report },
): TestFiles {
  const files = names.map((name) => (isAbsolute(name) ? name : join(dirname(configFile), name)));
  const read = files.map((file, index) => {
    const result = readTestFile(file, reading);
    if (typeof result !== 'string') return result;
    report({
      path: ['testFiles', index],
      what: `the file cannot be read (${result})`,
      remedy: 'create it, or correct the path: it is taken from the folder of this file',
    });
    return { tests: [], problems: [], substituted: [] };
  });
  return {
    tests: read.flatMap(({ tests }) => tests),
    problems: read.flatMap(({ problems }) => problems),
    substituted: read.flatMap(({ substituted }) => substituted),
  };
}

/** One file of tests; a text says why it cannot be read. */
export function readTestFile(file: string, { names, kinds, lookup, readFile }: Reading): TestFiles | string {
  let bytes: Buffer;
  try {
    bytes = readFile(file);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  const text = decodeFile(bytes);
  if (typeof text !== 'string') return { tests: [], problems: [{ file, path: '(document)', ...text }], substituted: [] };
  const opened = openDocument(text, file, lookup, kinds);
  if ('problems' in opened) return { tests: [], problems: opened.problems, substituted: [] };
  const { document, told, check } = opened;
  const shape = check(TestFileSchema, document.value, []) as { readonly tests: readonly unknown[] };
  const tests = buildTests(shape.tests, { check, report: told.report, names, locate: document.locate });
  return { tests, problems: told.findings().problems, substituted: document.substituted };
}
