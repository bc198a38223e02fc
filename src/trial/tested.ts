import type { Finding } from '../config/finding.js';
import { loadConfig, type Loaded } from '../config/load.js';
import { createRedact } from '../core/redact.js';
import { runTests, type TestResult } from './run.js';

/** A configuration whose own tests pass: one of them that fails is a problem, at its place. Opens nothing, creates nothing. */
export function loadTested(...given: Parameters<typeof loadConfig>): Loaded {
  return tested(loadConfig(...given));
}

/** The same for what is loaded. */
export function tested(loaded: Loaded): Loaded {
  if (!loaded.ok || loaded.config.tests.length === 0) return loaded;
  const { config, warnings } = loaded;
  const redact = createRedact(config.secrets);
  const problems = runTests(config, config.tests).results.flatMap((result) => problemsOf(result, redact));
  return problems.length === 0 ? loaded : { ok: false, problems, warnings };
}

/** Lines under it that are told: the nearest come first. */
const LINES_MAX = 3;

/** The first thing that is wrong: one line is enough to find it. */
function problemsOf({ test, failures }: TestResult, redact: (text: string) => string): Finding[] {
  const [first] = failures;
  if (first === undefined) return [];
  const why = first.lines.length === 0 ? '' : ` (${first.lines.slice(0, LINES_MAX).join('; ')}${first.lines.length > LINES_MAX ? '; …' : ''})`;
  const where = first.path === 'expect' ? '' : `${first.path.slice('expect.'.length)}: `;
  const what = `"${test.name}" fails: ${where}${first.what}${why}`;
  return [{ ...test.expectAt, what: redact(what), remedy: 'mend the table or the test; `castbridge test` shows more' }];
}
