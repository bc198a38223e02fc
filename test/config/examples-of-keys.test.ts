import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { DocumentSchema, LaneSchema, SourceSchema, StorageSchema, withType } from '../../src/config/schema/schema.js';
import type { Schema } from '../../src/config/checking/shape.js';
import { UNITS } from '../../src/config/checking/meant.js';
import { kinds } from '../../src/kinds.js';

/** What the examples take from the environment. */
const ENV = {
  CASTAI_WEBHOOK_SECRET: '0123456789abcdef0123456789abcdef',
  SLACK_OPS_URL: 'https://hooks.slack.com/services/T0/B0/x',
  KAFKA_PASSWORD: 'kafka-password-1234',
};

const roots: Readonly<Record<string, Schema>> = {
  document: DocumentSchema as unknown as Schema,
  source: SourceSchema as unknown as Schema,
  storage: StorageSchema as unknown as Schema,
  ...Object.fromEntries(kinds.verifiers.map((kind) => [`verify ${kind.type}`, kind.schema as Schema])),
  ...Object.fromEntries(kinds.stores.map((kind) => [`store ${kind.type}`, kind.schema as Schema])),
  ...Object.fromEntries(kinds.sinks.map((kind) => [`sink ${kind.type}`, withType(kind.type, kind.schema, LaneSchema(kind)) as Schema])),
};

interface Key {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

function keysOf(schema: Schema, path: string): Key[] {
  const below = [...Object.entries(schema.properties ?? {}), ...(schema.items === undefined ? [] : [['[]', schema.items] as const])];
  const own = below.flatMap(([key, value]) => [
    { path: `${path}.${key}`, schema: value, required: schema.required?.includes(key) === true && value.default === undefined },
    ...keysOf(value, `${path}.${key}`),
  ]);
  return [...own, ...(schema.anyOf ?? []).flatMap((branch) => keysOf(branch, path))];
}

const keys = Object.entries(roots).flatMap(([name, schema]) => keysOf(schema, name));
const ajv = new Ajv({ strict: false, useDefaults: true });
ajv.addKeyword({ keyword: 'unit', type: 'string', validate: (unit: string, text: string) => UNITS[unit]?.parse(text) !== null });

describe('the examples of keys', () => {
  it('every required key has one, or is a constant', () => {
    expect(keys.length).toBeGreaterThan(80);
    const required = keys.filter(({ required: isRequired, schema }) => isRequired && schema.const === undefined);
    expect(required.filter(({ schema }) => (schema.examples?.length ?? 0) === 0).map(({ path }) => path)).toEqual([]);
  });

  it('every optional key has an example or a default, unless it is a mapping of keys that have', () => {
    const bare = keys.filter(
      ({ schema, path }) => !path.endsWith('[]') && [schema.default, schema.examples, schema.const].every((one) => one === undefined),
    );
    expect(bare.map(({ path }) => path)).toEqual(['document.otherwise', 'sink kafka.sasl']);
  });

  it('every key has a description', () => {
    expect(keys.filter(({ schema, path }) => !path.endsWith('[]') && schema.description === undefined).map(({ path }) => path)).toEqual([]);
  });

  it.each(keys.filter(({ schema }) => schema.examples !== undefined))('those of $path are allowed by its schema', ({ schema }) => {
    const check = ajv.compile(schema);
    for (const example of schema.examples ?? []) expect([example, check(structuredClone(example))]).toEqual([example, true]);
  });

  it.each(kinds.sinks.map(({ type }) => type))('with those of its required keys, a %s sink loads', (type) => {
    const { required = [], properties = {} } = roots[`sink ${type}`] ?? {};
    const given = required
      .filter((key) => properties[key]?.default === undefined && key !== 'type')
      .map((key) => [key, properties[key]?.examples?.[0]]);
    const { sources, routes } = exampleDocument();
    expect(load({ sources, routes, sinks: { ops: { type, ...(Object.fromEntries(given) as Record<string, unknown>) } } })).toEqual([]);
  });

  it('with those of its required keys, a document loads', () => {
    expect(load(exampleDocument())).toEqual([]);
  });
});

function exampleDocument() {
  const { sources, sinks, routes } = (roots['document']?.properties ?? {}) as Record<string, Schema>;
  return { sources: sources?.examples?.[0], sinks: sinks?.examples?.[0], routes: routes?.examples?.[0] };
}

/** JSON is YAML. */
function load(document: object): string[] {
  const loaded = parseConfig(JSON.stringify(document), 'example.yaml', ENV, kinds);
  return loaded.ok ? loaded.warnings.map(lineOf) : loaded.problems.map(lineOf);
}
