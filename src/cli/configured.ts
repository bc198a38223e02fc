import type { Configuration } from '../config/configuration.js';
import { lineOf, type Finding } from '../config/finding.js';
import { loadConfig, type Loaded } from '../config/load.js';
import { kinds } from '../kinds.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';

/** The configuration a command goes by; its problems end the command. With `load`: those of its tests too. */
export function configured(
  { config, env, err }: Pick<Invocation, 'config' | 'env' | 'err'>,
  load: () => Loaded = () => loadConfig(config, env, kinds),
): {
  config: Configuration;
  warnings: readonly Finding[];
} {
  const loaded = load();
  if (loaded.ok) return loaded;
  throw refused(config, loaded.problems, err);
}

/** Shows what is wrong with a file, and gives the end of the command. */
export function refused(file: string, problems: readonly Finding[], err: Invocation['err']): Failure {
  for (const problem of problems) err(lineOf(problem));
  return new Failure(EXIT.no, `${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`);
}
