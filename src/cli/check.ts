import { lineOf, type Finding } from '../config/finding.js';
import type { Loaded } from '../config/load.js';
import { kinds } from '../kinds.js';
import { loadTested } from '../trial/tested.js';
import { EXIT } from './exit.js';
import { annotation } from './annotation.js';
import type { Invocation } from './invocation.js';

export interface CheckOptions {
  readonly format?: 'text' | 'json' | 'github';
  readonly strict?: boolean;
}

interface Checked {
  readonly file: string;
  readonly loaded: Loaded;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** `castbridge check [FILE...]`: the answer is no where a file has a problem, with `strict` where it has a warning. */
export function check({ config, env, json, out, err }: Invocation, given: readonly string[], options: CheckOptions): Promise<number> {
  const files = given.length === 0 ? [config] : given;
  const checked = files.map((file): Checked => {
    const loaded = loadTested(file, env, kinds);
    return { file, loaded, problems: loaded.ok ? [] : loaded.problems, warnings: loaded.warnings };
  });
  const problems = checked.flatMap((one) => one.problems);
  const warnings = checked.flatMap((one) => one.warnings);
  const ok = problems.length === 0 && (warnings.length === 0 || options.strict !== true);
  const format = json ? 'json' : (options.format ?? 'text');
  if (format === 'json') out(JSON.stringify({ ok, problems, warnings }));
  else {
    for (const one of checked) {
      if (format === 'github') showAnnotations(one, out);
      else showText(one, out, err);
    }
    if (!ok) err(`${counted(problems.length, 'problem')}, ${counted(warnings.length, 'warning')} in ${counted(files.length, 'file')}`);
  }
  return Promise.resolve(ok ? EXIT.done : EXIT.no);
}

function showText({ file, loaded, problems, warnings }: Checked, out: (line: string) => void, err: (line: string) => void): void {
  for (const problem of problems) out(lineOf(problem));
  for (const warning of warnings) err(`warning: ${lineOf(warning)}`);
  if (loaded.ok) out(`${file}: ok (${counted(loaded.config.sources.length, 'source')}, ${counted(loaded.config.sinks.length, 'sink')})`);
}

function showAnnotations({ problems, warnings }: Checked, out: (line: string) => void): void {
  for (const problem of problems) out(annotation('error', problem));
  for (const warning of warnings) out(annotation('warning', warning));
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
