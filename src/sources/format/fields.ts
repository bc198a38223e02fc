import { NAME_CHARS_MAX, nameFault, type Decoded } from '../../core/event.js';
import type { Decoding } from '../../core/source.js';
import { readJson } from './json-body.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a body that has to be a JSON object. */
export function readObject(bytes: Buffer, read: (body: JsonObject) => Decoding): Decoding {
  const json = readJson(bytes);
  if (!json.ok) return json;
  return isObject(json.body) ? read(json.body) : unreadable('the body is not a JSON object');
}

/** An event as a format read it. `from` says where its id and its type stand, for the sender. */
export function decoded(event: Decoded, from: { readonly id: string; readonly type: string }): Decoding {
  const { id, type } = event;
  const idFault = id === null ? null : nameFault(id);
  if (idFault !== null) return unreadable(`${from.id} ${idFault}`);
  if (type === '') return unreadable(`${from.type} is missing or not a string`);
  const typeFault = nameFault(type);
  if (typeFault !== null) return unreadable(`${from.type} ${typeFault}`);
  // A blank id would be shared by every event that has none.
  return { ok: true, event: id === null || id.trim() !== '' ? event : { ...event, id: null } };
}

/** JSON Schema of a text that can be an id or a type: characters beyond U+FFFF count twice in `nameFault`, so this allows a little more. */
export const NAME_SCHEMA = { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX } as const;

/** JSON Schemas of what `saidIn` reads out of a payload: anything may stand there, and what is no text says nothing. */
export const SAID_SCHEMA = {
  description:
    'what happened, as its sender has it; `severity`, `name`, `message` and `cluster` (`{ id, name }`) are read in it where they are texts',
} as const;

export function unreadable(detail: string): Decoding {
  return { ok: false, detail };
}

/** What a payload often says of itself, under the names that it has in most of them. */
export function saidIn(data: unknown): Pick<Decoded, 'severity' | 'name' | 'message' | 'cluster'> {
  const said = isObject(data) ? data : {};
  return {
    severity: text(said, 'severity')?.toLowerCase() ?? null,
    name: text(said, 'name'),
    message: text(said, 'message'),
    cluster: clusterIn(said),
  };
}

function clusterIn(data: JsonObject): Decoded['cluster'] {
  const nested = own(data, 'cluster');
  const inside = isObject(nested) ? nested : {};
  return {
    id: text(inside, 'id') ?? text(data, 'clusterId', 'cluster_id', 'clusterID'),
    name: text(inside, 'name') ?? text(data, 'cluster', 'clusterName', 'cluster_name'),
  };
}

/** The first of these keys that holds a text; an empty one says nothing. */
export function text(object: JsonObject, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = own(object, key);
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

/** Own properties only: `{}` has a `constructor` that no sender wrote. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
