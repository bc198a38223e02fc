import type { Kinds } from '../kinds.js';
import { TestInEditor } from './test-schema.js';
import { DocumentSchema, LaneSchema, SourceSchema, StorageSchema, withType } from './schema.js';

/** What a text with a unit may look like, for editors: they do not know the keyword `unit`. */
const PATTERNS: Readonly<Record<string, string>> = {
  duration: '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d))+|.*\\$\\{.*)$',
  size: '^(\\d+(\\.\\d+)? ?([KMG]i?B|B)|.*\\$\\{.*)$',
  rate: '^(\\d+(\\.\\d+)?/(s|m|h)|.*\\$\\{.*)$',
};

/** The JSON Schema of a whole configuration file, for editors: the kinds' own schemas put in their places. */
export function editorSchema(kinds: Kinds): object {
  const verify = { oneOf: kinds.verifiers.map((kind) => ({ ...withType(kind.type, kind.schema), description: kind.description })) };
  const source = SourceSchema(kinds.formats.map((format) => format.type));
  const sink = { oneOf: kinds.sinks.map((kind) => ({ ...withType(kind.type, kind.schema, LaneSchema(kind.lane)), description: kind.description })) };
  const stores = kinds.stores.map((kind) => ({ ...withType(kind.type, kind.schema, StorageSchema), description: kind.description, required: [] }));
  const properties = {
    ...DocumentSchema.properties,
    storage: { ...DocumentSchema.properties.storage, oneOf: stores },
    sources: named(DocumentSchema.properties.sources, { ...source, properties: { ...source.properties, verify } }),
    sinks: named(DocumentSchema.properties.sinks, sink),
    tests: { ...DocumentSchema.properties.tests, items: TestInEditor },
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'castbridge configuration',
    $comment: 'Generated from the schemas in src/: run `npm run generate`.',
    ...forEditors({ ...DocumentSchema, properties }),
  };
}

/** A section whose keys are names: `section` with `value` for every one of them. */
function named(section: { readonly patternProperties?: object }, value: object): object {
  const patternProperties = Object.fromEntries(Object.keys(section.patternProperties ?? {}).map((pattern) => [pattern, value]));
  return { ...section, patternProperties };
}

/** A copy with `unit` written as a pattern, without its bounds, and sections that have defaults not required. */
function forEditors<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(forEditors) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, forEditors(item as unknown)])) as Record<string, unknown>;
  if (typeof copy['unit'] === 'string') {
    const pattern = PATTERNS[copy['unit']];
    for (const key of ['unit', 'min', 'max']) Reflect.deleteProperty(copy, key);
    if (pattern !== undefined) copy['pattern'] = pattern;
  }
  if (Array.isArray(copy['required']) && typeof copy['properties'] === 'object') {
    const properties = copy['properties'] as Readonly<Record<string, { readonly default?: unknown } | undefined>>;
    copy['required'] = (copy['required'] as string[]).filter((key) => properties[key]?.default === undefined);
  }
  return copy as Value;
}
