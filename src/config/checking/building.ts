import type { Problem, Report } from '../../core/problem.js';
import { nearest, suggest } from '../../core/suggest.js';
import type { Kinds } from '../../kinds.js';
import { isTellable } from './secrecy.js';
import { isMapping, type Schema } from './shape.js';

/** What a part of the configuration is built with. */
export interface Building {
  readonly kinds: Kinds;
  readonly report: Report;
  /** Checks one value against one schema, and gives one that the schema allows: mistakes are told, and stand-ins put in their places. */
  readonly check: (schema: object, value: unknown, path: Problem['path']) => unknown;
  /** What is told of this path, or below it, from now on is not told: it may only follow from another mistake. */
  readonly excuse: (path: Problem['path']) => void;
}

/** A kind, and the value with the kind's own name for `type`. */
export interface Typed<Kind> {
  readonly kind: Kind;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The kind that `type` names, or clearly means; null, and a report, where there is none. */
export function kindOf<Kind extends { readonly type: string; readonly schema: object }>(
  value: unknown,
  kinds: readonly Kind[],
  at: readonly string[],
  { report, excuse }: Pick<Building, 'report' | 'excuse'>,
): Typed<Kind> | null {
  const types = kinds.map((kind) => kind.type);
  const example = `add \`type:\`, one of ${types.join(', ')}`;
  if (!isMapping(value)) {
    report({
      path: at,
      what: `a mapping is wanted here, and this is ${shown(value)}`,
      remedy: `write \`type:\` and its keys under it; types are ${types.join(', ')}`,
    });
    return null;
  }
  const type = Object.hasOwn(value, 'type') ? value['type'] : undefined;
  const kind = kinds.find((candidate) => candidate.type === type);
  if (kind !== undefined) return { kind, value };
  if (typeof type !== 'string') {
    const misspelt =
      type === undefined ? Object.keys(value).find((key) => nearest(key, ['type']) !== null && types.includes(String(value[key]))) : undefined;
    if (misspelt !== undefined) report({ path: [...at, misspelt], atKey: true, what: `unknown key "${misspelt}"`, remedy: 'did you mean "type"?' });
    else if (type === undefined) report({ path: at, what: 'it has no "type"', remedy: example });
    else report({ path: [...at, 'type'], what: `the type is ${shown(type)}`, remedy: `write one of ${types.join(', ')}` });
    return null;
  }
  report({ path: [...at, 'type'], what: isTellable(type) ? `there is no type "${type}"` : 'there is no such type', remedy: suggest(type, types) });
  const near = nearest(type, types);
  const meant = kinds.find((candidate) => candidate.type === near);
  if (meant === undefined) return null;
  // That a key is missing would be true of the guessed kind alone.
  for (const key of (meant.schema as Schema).required ?? []) if (!Object.hasOwn(value, key)) excuse([...at, key]);
  return { kind: meant, value: { ...value, type: meant.type } };
}

/** A problem that a kind told with paths of its own, as one of the document. */
export function below(at: Problem['path'], problem: Problem): Problem {
  const { from } = problem;
  return { ...problem, path: [...at, ...problem.path], ...(from === undefined ? {} : { from: from.map((path) => [...at, ...path]) }) };
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a text', number: 'a number', boolean: '`true` or `false`' }[typeof value as string] ?? 'a mapping';
}
