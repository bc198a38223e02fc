import { Type, type Static } from '../../schema/typebox.js';
import type { Decoded, EventHeaders } from '../../core/event.js';
import type { Decoding, Format, FormatKind } from '../../core/source.js';
import { HeaderName } from '../../schema/values.js';
import { decoded, isObject, own, unreadable } from './fields.js';
import { readJson } from './json-body.js';

const Place = (description: string, pointer: string) =>
  Type.Union(
    [
      Type.String({ pattern: '^(/([^~/]|~[01])*)+$' }),
      Type.Object({ header: HeaderName({ description: 'the header that holds it', examples: ['x-event-type'] }) }, { additionalProperties: false }),
      Type.Object({ value: Type.String({ minLength: 1, description: 'the same for every event' }) }, { additionalProperties: false }),
    ],
    { description: `${description}: a JSON Pointer such as \`${pointer}\`, \`{ header: NAME }\` or \`{ value: TEXT }\``, examples: [pointer] },
  );

const Config = Type.Object({
  fields: Type.Object(
    {
      id: Type.Optional(Place('the id', '/delivery/id')),
      type: Place('the type', '/event/type'),
      severity: Type.Optional(Place('the severity', '/alert/level')),
      name: Type.Optional(Place('the name', '/alert/title')),
      message: Type.Optional(Place('the message', '/alert/text')),
      clusterId: Type.Optional(Place('id of the cluster', '/cluster/id')),
      clusterName: Type.Optional(Place('name of the cluster', '/cluster/name')),
      time: Type.Optional(Place('when it happened', '/created_at')),
      data: Type.Optional(Place('the payload; without it, the whole body', '/alert')),
    },
    {
      additionalProperties: false,
      description: 'where each field of the event stands',
      examples: [{ id: '/delivery/id', type: '/event/type' }],
    },
  ),
});
type Config = Static<typeof Config>;
type Fields = Partial<Config['fields']>;
type Place = string | { readonly header: string } | { readonly value: string };

/** Any JSON, its fields where the configuration says. */
export const json: FormatKind<Config> = {
  type: 'json',
  description:
    'Any JSON body. `fields` says where each field of the event stands: at a JSON Pointer into the body (RFC 6901), in a header, or nowhere, since it is the same for every event. A field that is not named, or not there, is empty; an event without a type cannot be read.',
  schema: Config,
  payload: { description: 'any JSON: what the sender posts, of which `fields` of the source names the parts that are read' },
  prepare: ({ fields }) => formatOf(fields),
  bare: formatOf({}),
};

function formatOf(fields: Fields): Format {
  return {
    type: 'json',
    headers: Object.values(fields).flatMap((place) => (typeof place === 'object' && 'header' in place ? [place.header.toLowerCase()] : [])),
    decode: (bytes, headers) => decode(bytes, headers, fields),
    sample: (id) => sampleOf(fields, id),
  };
}

function decode(bytes: Buffer, headers: EventHeaders, fields: Fields): Decoding {
  const parsed = readJson(bytes);
  if (!parsed.ok) return parsed;
  const { body } = parsed;
  const at = (place: Place | undefined): unknown => valueAt(place, body, headers);
  const textAt = (place: Place | undefined): string | null => textOf(at(place));
  const id = at(fields.id);
  if (typeof id === 'number' && !Number.isSafeInteger(id))
    return unreadable(`${placeText(fields.id)} is a number that JSON cannot hold exactly: have it sent as a text`);
  const event: Decoded = {
    id: textOf(id),
    type: textAt(fields.type) ?? '',
    severity: textAt(fields.severity)?.toLowerCase() ?? null,
    name: textAt(fields.name),
    message: textAt(fields.message),
    cluster: { id: textAt(fields.clusterId), name: textAt(fields.clusterName) },
    time: textAt(fields.time),
    data: fields.data === undefined ? body : (at(fields.data) ?? null),
    body,
  };
  return fields.type === undefined ? { ok: true, event } : decoded(event, { id: placeText(fields.id), type: placeText(fields.type) });
}

/** A body that has a text wherever one is looked for, and the headers. */
function sampleOf(fields: Fields, id: string): { body: string; headers: EventHeaders } {
  const body: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  for (const [field, place] of Object.entries(fields)) {
    if (field === 'data') continue;
    const text = field === 'id' ? id : 'test';
    if (typeof place === 'object' && 'header' in place) headers[place.header.toLowerCase()] = text;
    else if (typeof place === 'string') put(body, stepsOf(place), text);
  }
  return { body: JSON.stringify(body), headers };
}

/** Where a place leads through a list, the sample has a mapping with the number for a key: none is read there, and none is shown. */
function put(body: Record<string, unknown>, [step = '', ...rest]: readonly string[], text: string): void {
  const inner = body[step];
  if (rest.length === 0) body[step] = text;
  else put((body[step] = isObject(inner) ? { ...inner } : {}), rest, text);
}

function stepsOf(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(place: Place | undefined, body: unknown, headers: EventHeaders): unknown {
  if (place === undefined) return undefined;
  if (typeof place === 'object') return 'header' in place ? headers[place.header.toLowerCase()] : place.value;
  let value = body;
  for (const key of stepsOf(place)) {
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(key) ? (value as unknown[])[Number(key)] : undefined;
    else value = isObject(value) ? own(value, key) : undefined;
  }
  return value;
}

/** Numbers and booleans as JSON writes them; an empty text says nothing. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function placeText(place: Place | undefined): string {
  if (place === undefined) return 'a place that format.fields does not name';
  if (typeof place === 'string') return place;
  return 'header' in place ? `the header ${place.header}` : 'the given text';
}
