import { CEL_EXAMPLES, EVENT_FIELDS, LIQUID_EXAMPLES } from './expressions.js';
import type { Kinds } from '../../kinds.js';
import { TestCase } from './test-schema.js';
import { DocumentSchema, LaneSchema, polledSchema, Route, SourceSchema, StorageSchema, withType } from './schema.js';
import type { Schema } from '../checking/validate.js';

/** A schema with what a reader wants to know of it. */
interface Documented extends Schema {
  readonly description?: string;
  readonly default?: string | number | boolean | object;
  readonly enum?: readonly unknown[];
  readonly const?: string;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Documented>>;
}

/** The reference page: every key there is, from the same schemas that check it. Markdown. */
export function referencePage(kinds: Kinds): string {
  const document = DocumentSchema as unknown as Documented;
  const sections = Object.entries(document.properties ?? {}).filter(([, schema]) => schema.properties !== undefined);
  return [
    '# Configuration reference',
    '<!-- Generated from the schemas in src/: run `npm run generate`. -->',
    'One YAML file. An unknown key is an error; `castbridge check FILE` names every mistake with line, column and remedy.',
    'Durations: `500ms`, `10s`, `5m`, `1h30m`, `7d`. Sizes: `512KiB`, `1MiB`. Rates: `1/s`, `30/m`.',
    'Inside texts, `${VAR}` is an environment variable, `${file:PATH}` the text of a file, `${generate:PATH}` a file that is made with a random secret where there is none, `${VAR:-default}` has a default, and `$${` is a literal `${`. Paths are taken from the working directory.',
    ...sections.flatMap(([name, schema]) => [`## \`${name}\``, sentence(schema.description), table(schema)]),
    '## `storage`',
    'Where events are kept; `type` is `sqlite` where it is not given. Keys of every store, whatever its type:',
    table(StorageSchema as unknown as Documented),
    ...kinds.stores.flatMap((kind) => [`### \`type: ${kind.type}\``, kind.description, table(kind.schema as Documented)]),
    '## `sources.NAME`',
    'Where events come from. One without a `type` is posted to:',
    table(SourceSchema as unknown as Documented),
    ...kinds.verifiers.flatMap((kind) => [`### \`verify: { type: ${kind.type} }\``, kind.description, table(kind.schema as Documented)]),
    ...kinds.formats.flatMap((kind) => {
      const keys = table(kind.schema);
      return [`### \`format: ${keys === null ? kind.type : `{ type: ${kind.type} }`}\``, kind.description, keys];
    }),
    'One with a `type` is asked for its events:',
    ...kinds.pollers.flatMap((kind) => [
      `### \`sources.NAME\` with \`type: ${kind.type}\``,
      kind.description,
      table(polledSchema(kind) as Documented),
    ]),
    '## `sinks.NAME`',
    'Where events go. The last keys of each type are how deliveries to it are sent and tried again.',
    ...kinds.sinks.flatMap((kind) => [
      `### \`type: ${kind.type}\``,
      kind.description,
      table(withType(kind.type, kind.schema, LaneSchema(kind)) as Documented),
    ]),
    '## `routes`',
    'Rows in order; every row that matches applies.',
    table(Route as unknown as Documented),
    '## What conditions and texts see',
    'One shape, whatever the sender; [decision 0004](decisions/0004-missing-fields.md) says what becomes of a field that is missing.',
    plainTable('field', EVENT_FIELDS),
    'CEL stands in `where`, `key`, and between braces in `topic`, `url`, `method` and headers. Numbers of an event are doubles, and whole numbers may stand beside them.',
    plainTable('CEL', CEL_EXAMPLES),
    'Liquid stands in `text`, `blocks` and `body`. What it puts out is escaped for where it goes.',
    plainTable('Liquid', LIQUID_EXAMPLES),
    '## `tests`',
    'What must become of an event, checked whenever the file is loaded for `serve` or `check`, and shown at length by `castbridge test`. Further files are named under `testFiles`, each a mapping with a list `tests`. References `${…}` are resolved in tests as everywhere, by what is set where the test runs: expect no text that comes from a secret, and the same tests pass everywhere.',
    table(TestCase as unknown as Documented),
    '',
  ]
    .filter((part) => part !== null)
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

function plainTable(head: string, rows: readonly (readonly [string, string])[]): string {
  return [`| ${head} | |`, '| --- | --- |', ...rows.map(([code, text]) => `| \`${cell(code)}\` | ${cell(text)} |`)].join('\n');
}

function table(schema: Documented): string | null {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return null;
  return ['| key | value | default | example | |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function rowsOf(schema: Documented, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const shown = value.default ?? (schema.required?.includes(key) === true ? 'required' : '');
    const text = typeof shown === 'object' ? '' : `${shown}`;
    const row = `| \`${prefix}${key}\` | ${cell(kindOf(value) + boundsOf(value))} | ${cell(text === '' || text === 'required' ? text : `\`${text}\``)} | ${exampleOf(value)} | ${cell(value.description ?? '')} |`;
    return [row, ...rowsOf(value, `${prefix}${key}.`)];
  });
}

function kindOf(schema: Documented): string {
  if (schema.unit !== undefined) return schema.unit;
  if (schema.enum !== undefined) return schema.enum.map((option) => `\`${String(option)}\``).join(' or ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map((option) => kindOf(option as Documented)))].join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`;
  if (schema.type === 'object') return 'mapping';
  return schema.type ?? 'any';
}

function boundsOf(schema: Documented): string {
  const [min, max] = [schema.min ?? schema.minimum, schema.max ?? schema.maximum];
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}`;
  return min === undefined ? '' : `, at least ${min}`;
}

/** The first that the schema gives, as it stands in YAML. */
function exampleOf({ examples }: Documented): string {
  const [first] = examples ?? [];
  if (first === undefined) return '';
  return cell(`\`${typeof first === 'string' ? first : JSON.stringify(first)}\``);
}

/** A pipe or a line's end would break the table, in a code span too. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', '\\n');
}

function sentence(text = ''): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
