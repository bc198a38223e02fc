import type { Kinds } from '../../kinds.js';
import { UNITS } from '../checking/meant.js';
import { DocumentSchema, LaneSchema, polledSchema, SourceSchema, StorageSchema, withType } from './schema.js';
import { TestInEditor } from './test-schema.js';

type Json = Readonly<Record<string, unknown>>;

/** What a text with a unit may look like: editors do not know the keyword `unit`. */
const PATTERNS: Readonly<Record<string, string>> = {
  duration: '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d))+)$',
  size: '^\\d+(\\.\\d+)? ?([KMG]i?B|B)$',
  rate: '^\\d+(\\.\\d+)?/(s|m|h)$',
};

/** Keywords that editors do not know. */
const OWN = ['min', 'max'];

/** A text that holds a reference may become anything. */
const REFERENCE = '\\$\\{';

/** The JSON Schema of a whole configuration file, for editors: the kinds' own schemas put in their places. */
export function editorSchema(kinds: Kinds): object {
  const formats = kinds.formats.map((kind) => ({ kind, schema: withType(kind.type, kind.schema) }));
  const format = { anyOf: [namesOf(formats), byType(formats)] };
  const verify = byType(kinds.verifiers.map((kind) => ({ kind, schema: withType(kind.type, kind.schema) })));
  const sink = byType(kinds.sinks.map((kind) => ({ kind, schema: withType(kind.type, kind.schema, LaneSchema(kind)) })));
  const [store] = kinds.stores;
  const stores = kinds.stores.map((kind) => ({ kind, schema: withType(kind.type, kind.schema, StorageSchema) }));
  const posted = {
    ...SourceSchema,
    properties: {
      ...SourceSchema.properties,
      verify: { ...SourceSchema.properties.verify, ...verify },
      format: { ...SourceSchema.properties.format, ...format },
    },
  };
  const pollers = kinds.pollers.map((kind) => ({ kind, schema: polledSchema(kind) }));
  const { storage, sources, sinks, tests } = DocumentSchema.properties;
  const properties = {
    ...DocumentSchema.properties,
    storage: { ...storage, ...byType(stores, store?.type) },
    sources: named(sources, { type: 'object', if: { required: ['type'] }, then: byType(pollers), else: posted }),
    sinks: named(sinks, sink),
    tests: { ...tests, items: TestInEditor },
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'castbridge configuration',
    $comment: 'Generated from the schemas in src/: run `npm run generate`.',
    ...(forEditors({ ...DocumentSchema, properties }) as object),
  };
}

interface Option {
  readonly kind: { readonly type: string; readonly description: string };
  readonly schema: object;
}

/**
 * The keys that `type` calls for. Not `oneOf`: where no kind fits, an editor would tell the mistakes of any one of them, and it completes the
 * types of the first alone.
 */
function byType(options: readonly Option[], usual?: string): object {
  return {
    type: 'object',
    properties: {
      type: { description: 'what kind it is', ...namesOf(options) },
    },
    required: usual === undefined ? ['type'] : [],
    allOf: options.map(({ kind, schema }) => ({
      if: { properties: { type: { const: kind.type } }, required: kind.type === usual ? [] : ['type'] },
      then: { ...schema, required: ((schema as Json)['required'] as string[]).filter((key) => key !== 'type' || usual === undefined) },
    })),
  };
}

function namesOf(options: readonly Option[]): object {
  return { enum: options.map(({ kind }) => kind.type), markdownEnumDescriptions: options.map(({ kind }) => kind.description) };
}

/** A section whose keys are names: `section` with `value` for every one of them. */
function named(section: { readonly patternProperties?: object }, value: object): object {
  const patternProperties = Object.fromEntries(Object.keys(section.patternProperties ?? {}).map((pattern) => [pattern, value]));
  return { ...section, patternProperties };
}

/** A copy that editors understand: `unit` written as a pattern, texts with references allowed for every scalar, and what has a default not required. */
function forEditors(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forEditors);
  if (typeof value !== 'object' || value === null) return value;
  const { unit, ...rest } = value as Json;
  const copy: Json = { ...mapped(rest), ...(typeof unit === 'string' ? patternOf(unit) : {}) };
  if (typeof copy['pattern'] === 'string') return { ...copy, pattern: `${copy['pattern']}|${REFERENCE}` };
  if (
    ['integer', 'number', 'boolean'].includes(String(copy['type'])) ||
    (copy['enum'] !== undefined && copy['markdownEnumDescriptions'] === undefined)
  ) {
    const { description, default: usual, examples, ...scalar } = copy;
    return { description, default: usual, examples, anyOf: [scalar, { type: 'string', pattern: REFERENCE }] };
  }
  return copy;
}

function mapped(schema: Json): Json {
  const { if: condition, properties, required, ...others } = schema;
  const rest = Object.entries(others).filter(([key]) => !OWN.includes(key));
  const keys = properties as Readonly<Record<string, { readonly default?: unknown } | undefined>> | undefined;
  return {
    ...Object.fromEntries(rest.map(([key, item]) => [key, forEditors(item)])),
    ...(condition === undefined ? {} : { if: condition }),
    ...(keys === undefined ? {} : { properties: Object.fromEntries(Object.entries(keys).map(([key, item]) => [key, forEditors(item)])) }),
    ...(required === undefined ? {} : { required: (required as string[]).filter((key) => keys?.[key]?.default === undefined) }),
  };
}

function patternOf(unit: string): Json {
  const pattern = PATTERNS[unit];
  return pattern === undefined ? {} : { pattern, patternErrorMessage: UNITS[unit]?.remedy ?? '' };
}
