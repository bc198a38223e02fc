import { suggest } from '../core/suggest.js';
import { FIELD_PATHS, pathLike, type Mistake } from './mistake.js';

/** A variable that no tag of the template makes, as Liquid's analysis finds it. */
export interface GlobalVariable {
  readonly segments: readonly unknown[];
  readonly location: { readonly row: number; readonly col: number };
}

/** Variables that are no field of the event. */
export function variableMistakes(source: string, variables: readonly GlobalVariable[]): Mistake[] {
  return variables.flatMap(({ segments, location }) => misspelt(source, segments, offsetOf(source, location.row, location.col)) ?? []);
}

const CONSTANTS = ['true', 'false', 'nil', 'null', 'empty', 'blank'];

function misspelt(source: string, [root, field, below]: readonly unknown[], offset: number): Mistake | null {
  if (root !== 'event') return unknownRoot(String(root), offset);
  if (typeof field !== 'string') return null;
  const path = `event.${field}`;
  const at = (name: string, from: number): number => Math.max(source.indexOf(name, from), offset);
  const atField = at(field, offset + 'event'.length);
  if (!FIELD_PATHS.includes(path)) return { what: `an event has no "${field}"`, remedy: fieldRemedy(path, 2), offset: atField };
  if (field === 'data' || field === 'body' || typeof below !== 'string' || FIELD_PATHS.includes(`${path}.${below}`)) return null;
  if (field !== 'cluster' && below === 'size') return null;
  const what = field === 'cluster' ? `"${path}" has no "${below}"` : `"${path}" is a text and has no "${below}"`;
  const remedy = field === 'cluster' ? fieldRemedy(`${path}.${below}`, 3) : below === 'length' ? `write ${path}.size` : `write ${path} alone`;
  return { what, remedy, offset: at(below, atField + field.length) };
}

function unknownRoot(root: string, offset: number): Mistake {
  const what = `there is no "${root}"`;
  const path = pathLike(root);
  if (path !== null) return { what, remedy: `did you mean "${path}"?`, offset };
  const constant = CONSTANTS.find((word) => word === root.toLowerCase());
  if (constant !== undefined) return { what, remedy: `write ${constant}`, offset };
  const near = root.length < NAME_CHARS_MIN ? undefined : /^did you mean "(\w+)"/.exec(suggest(root, ['event', ...NAMES]))?.[1];
  if (near !== undefined) return { what, remedy: `did you mean "${near === 'event' ? near : `event.${near}`}"?`, offset };
  const remedy = 'a field begins with event; what {% assign %} makes is known behind it, what {% for %} makes inside it';
  return { what, remedy, offset };
}

/** A shorter name is too near to others: `i` to `id`. */
const NAME_CHARS_MIN = 3;

const NAMES = FIELD_PATHS.map((path) => path.split('.')).flatMap(([, name, below]) => (name === undefined || below !== undefined ? [] : [name]));

function fieldRemedy(path: string, depth: number): string {
  const same = pathLike(path);
  if (same !== null) return `did you mean "${same}"?`;
  const parent = path.slice(0, path.lastIndexOf('.') + 1);
  const remedy = suggest(
    path,
    FIELD_PATHS.filter((known) => known.startsWith(parent) && known.split('.').length === depth),
  );
  return remedy.startsWith('did') || depth > 2
    ? remedy
    : `what a sender sends of its own is below event.data: event.data${path.slice('event'.length)}`;
}

export function offsetOf(source: string, line: number, column: number): number {
  const before = source.split('\n').slice(0, line - 1);
  return before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
}
