import type { Decoded } from '../../core/event.js';
import type { Decoding, FormatKind } from '../../core/source.js';

/** The envelope `{ "id", "type", "data", "created" }`. */
export const castaiEvent: FormatKind = {
  type: 'castai-event',
  description:
    'A JSON object `{ "id": string, "type": string, "data": any, "created": string }`. Severity, name, message and cluster are read from `data` where it has them.',
  decode,
};

/** Longer ids and types are a sender's mistake: they become keys, labels and header values. */
const NAME_CHARS_MAX = 256;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A surrogate without its other half. Two such texts are equal once they are UTF-8, so none may be a key. */
const HALF_CHARACTER = /\p{Surrogate}/u;

type JsonObject = Readonly<Record<string, unknown>>;

function decode(bytes: Buffer): Decoding {
  let body: unknown;
  try {
    // Strips a BOM: for parsing only, the bytes themselves go on unchanged.
    body = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    return unreadable(error instanceof SyntaxError ? `the body is not valid JSON${position(error)}` : 'the body is not valid UTF-8');
  }
  if (!isObject(body)) return unreadable('the body is not a JSON object');
  return read(body);
}

function read(body: JsonObject): Decoding {
  const id = own(body, 'id') ?? null;
  if (id !== null && typeof id !== 'string') return unreadable('"id" is not a string');
  if (id !== null && fault(id) !== null) return unreadable(`"id" ${fault(id) ?? ''}`);
  const type = own(body, 'type');
  if (typeof type !== 'string' || type === '') return unreadable('"type" is missing or not a string');
  if (fault(type) !== null) return unreadable(`"type" ${fault(type) ?? ''}`);

  const data = own(body, 'data') ?? null;
  const said = isObject(data) ? data : {};
  const event: Decoded = {
    // A blank id would be shared by every event that has none.
    id: id === null || id.trim() === '' ? null : id,
    type,
    severity: text(said, 'severity')?.toLowerCase() ?? null,
    name: text(said, 'name'),
    message: text(said, 'message'),
    cluster: cluster(said),
    time: text(body, 'created'),
    data,
    body,
  };
  return { ok: true, event };
}

function cluster(data: JsonObject): Decoded['cluster'] {
  const nested = own(data, 'cluster');
  const inside = isObject(nested) ? nested : {};
  return {
    id: text(inside, 'id') ?? text(data, 'clusterId', 'cluster_id', 'clusterID'),
    name: text(inside, 'name') ?? text(data, 'cluster', 'clusterName', 'cluster_name'),
  };
}

/** The first of these keys that holds a text; an empty one says nothing. */
function text(object: JsonObject, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = own(object, key);
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

/** Own properties only: `{}` has a `constructor` that no sender wrote. */
function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(name: string): string | null {
  if (name.length > NAME_CHARS_MAX) return `is longer than ${NAME_CHARS_MAX} characters`;
  return HALF_CHARACTER.test(name) ? 'holds half a character' : null;
}

/** Where JSON.parse stopped. The rest of its message quotes the body, which may hold secrets. */
function position(error: SyntaxError): string {
  const at = /at position (\d+)/.exec(error.message)?.[1];
  return at === undefined ? '' : ` (at character ${at})`;
}

function unreadable(detail: string): Decoding {
  return { ok: false, detail };
}
