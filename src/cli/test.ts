import { readFileSync } from 'node:fs';
import { secretsAmong } from '../config/checking/secrecy.js';
import { readTestFile } from '../config/test-files.js';
import type { RoutingTest } from '../config/tests.js';
import type { Configuration } from '../config/configuration.js';
import { readText } from '../config/yaml/substitute.js';
import { createRedact } from '../core/redact.js';
import { kinds } from '../kinds.js';
import { redacted } from '../trial/redacted.js';
import { runTests, type TestResult, type TestRun } from '../trial/run.js';
import { configured, refused } from './configured.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';
import { oneLine } from './table.js';

interface Options {
  readonly tests?: readonly string[];
  readonly allRows?: boolean;
}

/** `castbridge test [FILE]`: the answer is no where a test fails, with `allRows` where a row is matched by none. */
export function test(invocation: Invocation, given: string | undefined, options: Options): Promise<number> {
  const { config } = configured({ ...invocation, config: given ?? invocation.config });
  const further = (options.tests ?? []).map((file) => furtherTests(file, config, invocation));
  const redact = createRedact([...config.secrets, ...secretsAmong(further.flatMap(({ substituted }) => substituted))]);
  const run = runTests(config, [...config.tests, ...further.flatMap(({ tests }) => tests)]);
  if (invocation.json) invocation.out(JSON.stringify(redacted(documentOf(run), redact)));
  else for (const line of linesOf(run, config.rows.length)) invocation.out(redact(line));
  const ok = run.ok && (options.allRows !== true || run.uncovered.length === 0);
  return Promise.resolve(ok ? EXIT.done : EXIT.no);
}

function furtherTests(
  file: string,
  config: Configuration,
  { env, err }: Invocation,
): { tests: readonly RoutingTest[]; substituted: readonly string[] } {
  const names = { sources: config.sources.map(({ name }) => name), sinks: config.sinks.map(({ name }) => name), rows: config.rows };
  const read = readTestFile(file, {
    names,
    kinds,
    lookup: { env, read: (path) => readText(path, readFileSync), generated: new Map() },
    readFile: readFileSync,
  });
  if (typeof read === 'string') throw new Failure(EXIT.usage, `${file} cannot be read (${read})`);
  if (read.problems.length === 0) return read;
  throw refused(file, read.problems, err);
}

function linesOf({ results, uncovered }: TestRun, rows: number): string[] {
  if (results.length === 0) return ['there are no tests: add a list `tests:` to the configuration, as docs/configuration.md shows'];
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const covered =
    uncovered.length === 0
      ? `every row is matched by a test (${rows})`
      : `rows no test matches: ${uncovered.join(', ')} (${uncovered.length} of ${rows})`;
  return [
    ...results.flatMap(resultLines),
    '',
    `${results.length} ${results.length === 1 ? 'test' : 'tests'}: ${results.length - failed} passed, ${failed} failed`,
    covered,
  ];
}

function resultLines({ test: { name, at }, failures }: TestResult): string[] {
  if (failures.length === 0) return [`ok    ${oneLine(name)}`];
  return [
    `FAIL  ${oneLine(name)}`,
    `      ${at.file}:${at.line}:${at.column}  ${at.path}`,
    ...failures.flatMap(({ path, what, lines }) => [`      ${path}: ${what}`, ...lines.map((line) => `        ${line}`)]),
  ];
}

function documentOf({ ok, results, uncovered }: TestRun): object {
  const tests = results.map(({ test: { name, at }, failures, rows }) => ({ name, ...at, ok: failures.length === 0, rows, failures }));
  return { ok, tests, uncovered };
}
