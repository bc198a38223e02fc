import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import { NAME } from './schema.js';
import { parseDuration, parseRate, parseSize } from './units.js';

/** How a unit is read, and what to tell somebody who wrote it wrong. */
interface UnitRule {
  readonly parse: (text: string) => unknown;
  readonly remedy: string;
  readonly belowMin: string;
  readonly aboveMax: string;
}

const UNITS: Readonly<Record<string, UnitRule>> = {
  duration: { parse: parseDuration, remedy: 'write a number with its unit: 500ms, 10s, 5m, 1h30m, 7d', belowMin: 'too short', aboveMax: 'too long' },
  size: { parse: parseSize, remedy: 'write a number with its unit: 512KiB, 1MiB, 1MB', belowMin: 'too small', aboveMax: 'too large' },
  rate: { parse: parseRate, remedy: 'write a number a second, minute or hour: 1/s, 30/m', belowMin: 'too slow', aboveMax: 'too fast' },
  secret: { parse: (text) => text, remedy: '', belowMin: '', aboveMax: '' },
};

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true, allowUnionTypes: true });
ajv.addKeyword({
  keyword: 'unit',
  type: 'string',
  validate: (unit: string, text: string) => UNITS[unit]?.parse(text) !== null,
});
// Both hold for a text that is no such value: `unit` says that already.
ajv.addKeyword({ keyword: 'min', type: 'string', validate: (min: string, text: string, at?: object) => !isLess(text, min, at) });
ajv.addKeyword({ keyword: 'max', type: 'string', validate: (max: string, text: string, at?: object) => !isLess(max, text, at) });

function isLess(left: string, right: string, at: Schema = {}): boolean {
  const unit = UNITS[at.unit ?? ''];
  const [a, b] = [unit?.parse(left), unit?.parse(right)];
  return typeof a === 'number' && typeof b === 'number' && a < b;
}

/** A schema as the loader walks it: the part of JSON Schema that the kinds use. */
export interface Schema {
  readonly type?: string;
  readonly unit?: string;
  readonly min?: string;
  readonly max?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Validates `value`, fills in defaults, and turns texts with units into numbers. Reports every mistake; null where there was one. What it gives is frozen. */
export function validate(schema: object, value: unknown, path: Problem['path'], report: Report, replaced: ReadonlySet<string>): unknown {
  const typed = mapScalars(schema, value, path, (text, at, place) => (replaced.has(place.join('\0')) ? retype(text, at) : text));
  const check = compiled(schema);
  if (!check(typed)) {
    for (const problem of problemsOf(check.errors ?? [], path)) report(problem);
    return null;
  }
  return frozen(mapScalars(schema, typed, path, (text, at) => (at.unit === undefined ? text : UNITS[at.unit]?.parse(text))));
}

const checks = new Map<string, ValidateFunction>();

/** By what the schema says: every load puts its schemas together anew, and compiling them would be nearly all that it costs. There are as many as there are kinds. */
function compiled(schema: object): ValidateFunction {
  const text = JSON.stringify(schema);
  const check = checks.get(text) ?? ajv.compile(schema);
  checks.set(text, check);
  return check;
}

/** With all that is below: no sink may change what another one, or its next opening, reads. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** Every text the schema calls a secret. */
export function secretsIn(schema: object, value: unknown): string[] {
  const found: string[] = [];
  mapScalars(schema, value, [], (text, at) => {
    if (at.unit === 'secret') found.push(text);
    return text;
  });
  return found;
}

/** A copy of `value` in which each text went through `change` with the schema that describes it. */
function mapScalars(
  schema: Schema,
  value: unknown,
  path: Problem['path'],
  change: (text: string, at: Schema, path: Problem['path']) => unknown,
): unknown {
  if (typeof value === 'string') return change(value, schema.anyOf?.find((option) => option.type === 'string') ?? schema, path);
  if (Array.isArray(value)) {
    const items = (schema.anyOf?.find((option) => option.type === 'array') ?? schema).items ?? {};
    return value.map((item, index) => mapScalars(items, item, [...path, index], change));
  }
  if (typeof value !== 'object' || value === null) return value;
  const shape = schema.anyOf?.find((option) => option.type === 'object') ?? schema;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapScalars(schemaOf(shape, key), item, [...path, key], change)]));
}

function schemaOf(shape: Schema, key: string): Schema {
  if (shape.properties !== undefined && Object.hasOwn(shape.properties, key)) return shape.properties[key] ?? {};
  const pattern = Object.entries(shape.patternProperties ?? {}).find(([source]) => new RegExp(source).test(key))?.[1];
  return pattern ?? (typeof shape.additionalProperties === 'object' ? shape.additionalProperties : {});
}

/** What `port: ${PORT}` stands for, where the schema wants no text. */
function retype(text: string, schema: Schema): unknown {
  const wanted = schema.type ?? '';
  if ((wanted === 'integer' || wanted === 'number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (wanted === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** One problem for each mistake: what the branches of an `anyOf` say is dropped in favour of the `anyOf` itself. */
function problemsOf(errors: readonly ErrorObject[], root: Problem['path']): Problem[] {
  const unions = errors.filter((error) => error.keyword === 'anyOf');
  const inUnion = (error: ErrorObject): boolean => unions.some((union) => union !== error && error.schemaPath.startsWith(`${union.schemaPath}/`));
  return errors.filter((error) => !inUnion(error)).map((error) => problemOf(error, root));
}

function problemOf(error: ErrorObject, root: Problem['path']): Problem {
  const path = [...root, ...error.instancePath.split('/').slice(1).map(pathPart)];
  const params = error.params as Readonly<Record<string, unknown>>;
  const parent = error.parentSchema as Schema & { readonly description?: string };
  const described = parent.description === undefined ? 'see the reference' : `it is: ${parent.description}`;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      if (parent.properties === undefined)
        return {
          path: [...path, key],
          atKey: true,
          what: `"${key}" is not allowed as a name`,
          remedy: NAME_REMEDY,
        };
      return { path: [...path, key], atKey: true, what: `unknown key "${key}"`, remedy: suggest(key, Object.keys(parent.properties)) };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const missing = parent.properties?.[key] as { readonly description?: string } | undefined;
      return { path, what: `"${key}" is missing`, remedy: missing?.description === undefined ? 'add it' : `add it: ${missing.description}` };
    }
    case 'unit':
      return { path, what: `"${String(error.data)}" is no ${String(error.schema)}`, remedy: UNITS[String(error.schema)]?.remedy ?? described };
    case 'min':
      return {
        path,
        what: `"${String(error.data)}" is ${UNITS[parent.unit ?? '']?.belowMin ?? 'too little'}`,
        remedy: `make it at least ${String(error.schema)}`,
      };
    case 'max':
      return {
        path,
        what: `"${String(error.data)}" is ${UNITS[parent.unit ?? '']?.aboveMax ?? 'too much'}`,
        remedy: `make it at most ${String(error.schema)}`,
      };
    case 'enum':
      return {
        path,
        what: `${show(error.data)} is not allowed here`,
        remedy: suggest(String(error.data), (params['allowedValues'] as unknown[]).map(String)),
      };
    case 'type': {
      if (parent.unit !== undefined && parent.unit !== 'secret')
        return { path, what: `${kindOf(error.data)} is no ${parent.unit}`, remedy: UNITS[parent.unit]?.remedy ?? described };
      const wanted = WANTED[String(error.schema)] ?? String(error.schema);
      const what = `${wanted} is wanted here, and this is ${kindOf(error.data)}`;
      if (error.data === null) return { path, what, remedy: 'write one, or delete the key' };
      return { path, what, remedy: error.schema === 'string' && typeof error.data !== 'object' ? 'put quotes around it' : described };
    }
    case 'minimum':
      return { path, what: `${String(error.data)} is too small`, remedy: `make it at least ${String(error.schema)}` };
    case 'maximum':
      return { path, what: `${String(error.data)} is too large`, remedy: `make it at most ${String(error.schema)}` };
    case 'minItems':
    case 'minLength':
    case 'minProperties':
      return { path, what: 'it is empty', remedy: described };
    case 'pattern':
      if (error.schema === NAME) return { path, what: `${show(error.data)} is not allowed as a name`, remedy: NAME_REMEDY };
      return { path, what: `it does not match ${String(error.schema)}`, remedy: described };
    case 'uniqueItems':
      return { path, what: `entries ${String(params['i'])} and ${String(params['j'])}, counted from 0, are the same`, remedy: 'delete one of them' };
    case 'anyOf':
      return { path, what: `${kindOf(error.data)} is not allowed here`, remedy: described };
    default:
      return { path, what: `${error.message ?? 'is wrong'}, and this is ${kindOf(error.data)}`, remedy: described };
  }
}

const NAME_REMEDY = 'use letters, digits, "-" and "_", a letter first';

/** A key of ajv's JSON pointer. */
function pathPart(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Never the value itself of a longer text: it may be a secret. */
function show(value: unknown): string {
  return typeof value === 'string' && value.length <= 32 ? `"${value}"` : kindOf(value);
}

const WANTED: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: '`true` or `false`',
};

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return WANTED[typeof value] ?? `a ${typeof value}`;
}
