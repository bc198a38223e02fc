import { suggest } from '../core/suggest.js';
import { EXIT, Failure } from './exit.js';

/** The source with this name. Throws a Failure that says which ones there are. */
export function sourceNamed<Source extends { readonly name: string }>(name: string, sources: readonly Source[]): Source {
  const source = sources.find((one) => one.name === name);
  if (source !== undefined) return source;
  const known = sources.map((one) => one.name);
  throw new Failure(EXIT.usage, `no source named "${name}"; ${suggest(name, known)}`);
}
