import type { Problem } from '../../core/problem.js';

/** A schema as the loader walks it: the part of JSON Schema that the kinds use. */
export interface Schema {
  readonly type?: string;
  readonly unit?: string;
  readonly min?: string;
  readonly max?: string;
  readonly description?: string;
  readonly default?: string | number | boolean | object;
  readonly examples?: readonly unknown[];
  readonly const?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

type Path = Problem['path'];

/** Neither a list nor nothing. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is to become of a value that is no list and no mapping, with the schema that describes it. */
export type Change = (value: unknown, at: Schema, path: Path) => unknown;

/** A copy of `value` in which each scalar went through `change`. */
export function mapScalars(schema: Schema, value: unknown, path: Path, change: Change): unknown {
  if (Array.isArray(value)) {
    const items = branchOf(schema, 'array').items ?? {};
    return value.map((item, index) => mapScalars(items, item, [...path, index], change));
  }
  if (typeof value !== 'object' || value === null) return change(value, typeof value === 'string' ? branchOf(schema, 'string') : schema, path);
  const shape = branchOf(schema, 'object');
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapScalars(schemaOf(shape, key), item, [...path, key], change)]));
}

function branchOf(schema: Schema, type: string): Schema {
  return schema.anyOf?.find((option) => option.type === type) ?? schema;
}

function schemaOf(shape: Schema, key: string): Schema {
  if (shape.properties !== undefined && Object.hasOwn(shape.properties, key)) return shape.properties[key] ?? {};
  const pattern = Object.entries(shape.patternProperties ?? {}).find(([source]) => new RegExp(source).test(key))?.[1];
  return pattern ?? (typeof shape.additionalProperties === 'object' ? shape.additionalProperties : {});
}

/** The schema of what is at `path` below `value`. */
export function schemaAt(schema: Schema, value: unknown, path: Path): Schema {
  let [at, here] = [schema, value];
  for (const part of path) {
    at = Array.isArray(here) ? (branchOf(at, 'array').items ?? {}) : schemaOf(branchOf(at, 'object'), String(part));
    here = typeof here === 'object' && here !== null ? (here as Record<string | number, unknown>)[part] : undefined;
  }
  return at;
}

/** May the key at the end of `path` be left out? */
export function isOptional(schema: Schema, value: unknown, path: Path): boolean {
  const key = path.at(-1);
  if (typeof key !== 'string') return false;
  const above = branchOf(schemaAt(schema, value, path.slice(0, -1)), 'object');
  return schemaOf(above, key).default !== undefined || above.required?.includes(key) !== true;
}

/** A value that the schema allows, for one that is wrong: what is checked with it is not told. */
export function standIn(schema: Schema): unknown {
  for (const given of [schema.default, schema.examples?.[0], schema.const, schema.enum?.[0]]) if (given !== undefined) return structuredClone(given);
  if (schema.anyOf !== undefined) return standIn(schema.anyOf[0] ?? {});
  if (schema.unit !== undefined) return schema.min ?? UNIT_STAND_INS[schema.unit];
  switch (schema.type) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((key) => [key, standIn(schema.properties?.[key] ?? {})]));
    case 'array':
      return (schema.minItems ?? 0) > 0 ? [standIn(schema.items ?? {})] : [];
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    case 'string':
      return 'x';
    case undefined:
    default:
      // A value that its kind's own schema checks.
      return {};
  }
}

const UNIT_STAND_INS: Readonly<Record<string, string>> = { duration: '1s', size: '1B', rate: '1/s', secret: 'stands-for-what-is-wrong' };
