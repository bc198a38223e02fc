import type { Problem } from '../../core/problem.js';
import type { Kinds } from '../../kinds.js';
import { DocumentSchema, LaneSchema, polledSchema, SourceSchema, StorageSchema } from '../schema/schema.js';
import type { Schema } from './shape.js';
import type { Belonging } from './validate.js';

/** One key there is: in which part of the document, and of which kind where only that kind has it. */
interface Known {
  readonly part: readonly string[];
  readonly key: string;
  readonly type: string | null;
}

/** Looks up where a key belongs that is unknown where it stands. */
export function createBelongs(kinds: Kinds): (path: Problem['path'], key: string, of: unknown) => Belonging | null {
  const known = everyKey(kinds);
  return (path, key, of) => {
    const here = partOf(path);
    const others = known.filter((one) => one.key === key);
    const sameElsewhere = others.filter(({ part }) => isSame(part, here));
    const types = [...new Set(sameElsewhere.map(({ type }) => type).filter((type) => type !== null))];
    if (types.length > 0) return { remedy: `only those with \`type: ${types.join('` or `')}\` have it`, path: null, near: true };
    const above = others.find(({ part }) => isSame(part, here.slice(0, -1)) && here.length > 1);
    if (above !== undefined) return { remedy: `it belongs beside \`${String(path.at(-1))}\``, path: [...path.slice(0, -1), key], near: true };
    // Another kind may have a key of this name in a part that this one lacks.
    const isOfKind = ({ type }: Known): boolean => type === null || here[0] !== 'sinks' || here.length !== 2 || type === of;
    const below = others.find((one) => here.length > 0 && isSame(one.part.slice(0, -1), here) && isOfKind(one));
    const section = below?.part.at(-1);
    if (section !== undefined && section !== '*') return { remedy: `it belongs inside \`${section}\``, path: [...path, section, key], near: true };
    const parts = [...new Set(others.map(({ part }) => (part.length === 0 ? 'at the top of the file' : `in \`${shown(part)}\``)))];
    return parts.length === 0 ? null : { remedy: `it belongs ${parts.join(' or ')}`, path: null, near: false };
  };
}

/** The keys that sinks have, of whatever kind. */
export function keysOfSinks(kinds: Kinds): string[] {
  return everyKey(kinds).flatMap(({ part, key }) => (isSame(part, ['sinks', '*']) ? [key] : []));
}

function everyKey(kinds: Kinds): Known[] {
  const keys = (part: readonly string[], schema: unknown, type: string | null = null): Known[] =>
    Object.entries((schema as Schema).properties ?? {}).flatMap(([key, below]) => [
      { part, key, type },
      ...[below, ...(below.anyOf ?? [])].flatMap((one) => keys([...part, key], one, type)),
    ]);
  const { routes, ...sections } = DocumentSchema.properties;
  return [
    ...keys([], { properties: { ...sections, routes: {} } }),
    ...keys(['routes', '*'], routes.items),
    ...keys(['sources', '*'], SourceSchema),
    ...kinds.pollers.flatMap((kind) => keys(['sources', '*'], polledSchema(kind), kind.type)),
    ...kinds.formats.flatMap((kind) => keys(['sources', '*', 'format'], kind.schema, kind.type)),
    ...kinds.verifiers.flatMap((kind) => keys(['sources', '*', 'verify'], kind.schema, kind.type)),
    ...kinds.stores.flatMap((kind) => keys(['storage'], kind.schema, kind.type)),
    ...keys(['storage'], StorageSchema),
    ...kinds.sinks.flatMap((kind) => keys(['sinks', '*'], LaneSchema(kind), kind.type)),
    ...kinds.sinks.flatMap((kind) => keys(['sinks', '*'], kind.schema, kind.type)),
  ];
}

/** A path with the names in it left open. */
function partOf(path: Problem['path']): string[] {
  return path.map((part, index) => (index === 1 && ['routes', 'sinks', 'sources'].includes(String(path[0])) ? '*' : String(part)));
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

function shown(part: readonly string[]): string {
  return part[0] === 'routes' ? ['routes[N]', ...part.slice(2)].join('.') : part.map((one) => (one === '*' ? 'NAME' : one)).join('.');
}
