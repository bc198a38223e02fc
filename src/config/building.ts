import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import type { Kinds } from '../kinds.js';

/** What a part of the configuration is built with. */
export interface Building {
  readonly kinds: Kinds;
  readonly report: Report;
  /** Checks one value against one schema; null where it was wrong. */
  readonly check: (schema: object, value: unknown, path: Problem['path']) => unknown;
}

/** The kind that `type` names. */
export function kindOf<Kind extends { readonly type: string }>(
  value: unknown,
  kinds: readonly Kind[],
  at: readonly string[],
  report: Report,
): Kind | null {
  const types = kinds.map((kind) => kind.type);
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  const kind = kinds.find((candidate) => candidate.type === type);
  if (kind !== undefined) return kind;
  if (typeof type === 'string') report({ path: [...at, 'type'], what: `there is no type "${type}"`, remedy: suggest(type, types) });
  else report({ path: at, what: 'it has no "type"', remedy: `add \`type:\`, one of ${types.join(', ')}` });
  return null;
}
