import { lineOf } from '../config/finding.js';
import { loadConfig } from '../config/load.js';
import { kinds } from '../kinds.js';
import { EXIT } from './exit.js';
import type { Invocation } from './invocation.js';

/** `castbridge check [FILE]` */
export function check({ config, env, json, out, err }: Invocation, given: string | undefined): Promise<number> {
  const file = given ?? config;
  const loaded = loadConfig(file, env, kinds);
  if (json) {
    out(JSON.stringify(loaded.ok ? { ok: true, problems: [], warnings: loaded.warnings } : { ok: false, problems: loaded.problems, warnings: [] }));
  } else if (loaded.ok) {
    for (const warning of loaded.warnings) err(`warning: ${lineOf(warning)}`);
    out(`${file}: ok (${counted(loaded.config.sources.length, 'source')}, ${counted(loaded.config.sinks.length, 'sink')})`);
  } else {
    for (const problem of loaded.problems) out(lineOf(problem));
  }
  return Promise.resolve(loaded.ok ? EXIT.done : EXIT.no);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
