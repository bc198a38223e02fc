import type { Redact } from '../core/redact.js';
import { createHmac } from 'node:crypto';
import type { StorageConfiguration } from './configuration.js';
import { DocumentSchema, StorageSchema, withType, type DocumentShape } from './schema/schema.js';
import { durationText, rateText, sizeText } from './schema/units.js';
import { mapScalars, type Schema } from './checking/shape.js';

/**
 * A configuration as it is compared and shown: defaults filled in, times and sizes with their units. A text that holds a secret is a
 * fingerprint: two of them can be compared where they were made with one salt. Who holds one can still try out secrets.
 */
export interface Described {
  /** What is neither a source nor a sink nor a row: server, operations, storage, dedup, shutdown, otherwise. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly sources: Readonly<Record<string, unknown>>;
  readonly sinks: Readonly<Record<string, unknown>>;
  /** In the table's order. */
  readonly routes: readonly DescribedRow[];
}

export interface DescribedRow {
  readonly name: string;
  readonly [key: string]: unknown;
}

/** A part of a configuration, with the schema that it was checked by. */
export interface Written {
  readonly schema: object;
  readonly value: unknown;
}

/** What a configuration is put together from. */
interface Parts {
  readonly settings: Described['settings'];
  readonly sources: readonly { readonly source: { readonly name: string }; readonly written: WrittenSource }[];
  readonly sinks: readonly { readonly sink: { readonly name: string }; readonly written: Written }[];
  readonly rows: readonly DescribedRow[];
}

/** A source, its verifier apart: that is checked by the schema of its kind. One that is asked for its events has none. */
export interface WrittenSource {
  readonly own: Written;
  readonly verify?: Written;
}

const FINGERPRINT_CHARS = 16;
const SECRET = 'secret:';

/** `redact` finds the secrets; `salt` is what their fingerprints are made with. */
export function describeConfiguration({ settings, sources, sinks, rows }: Parts, redact: Redact, salt: string): Described {
  const shown = (scalar: unknown): unknown =>
    typeof scalar !== 'string' || redact(scalar) === scalar
      ? scalar
      : `${SECRET}${createHmac('sha256', salt).update(scalar).digest('hex').slice(0, FINGERPRINT_CHARS)}`;
  const show = (value: unknown): unknown => mapScalars({}, value, [], shown);
  return {
    settings: show(settings) as Described['settings'],
    sources: Object.fromEntries(
      sources.map(({ source, written: { own, verify } }) => [
        source.name,
        show({ ...(withUnits(own) as object), ...(verify === undefined ? {} : { verify: withUnits(verify) }) }),
      ]),
    ),
    sinks: Object.fromEntries(sinks.map(({ sink, written }) => [sink.name, show(withUnits(written))])),
    routes: show(rows) as DescribedRow[],
  };
}

/** What is neither a source nor a sink nor a row, with its units, and with its secrets; keys in the order of the reference page. */
export function settingsOf(shape: DocumentShape, { kind, config }: StorageConfiguration): Described['settings'] {
  const { server, operations, dedup, shutdown } = DocumentSchema.properties;
  return {
    server: withUnits({ schema: server, value: inOrderOf(server, shape.server) }),
    operations: withUnits({ schema: operations, value: inOrderOf(operations, shape.operations) }),
    storage: withUnits({ schema: withType(kind.type, kind.schema, StorageSchema), value: config }),
    dedup: withUnits({ schema: dedup, value: shape.dedup }),
    shutdown: withUnits({ schema: shutdown, value: shape.shutdown }),
    ...(shape.otherwise === undefined ? {} : { otherwise: shape.otherwise }),
    ...(shape.onDead === undefined ? {} : { onDead: shape.onDead }),
  };
}

/** Does it stand for a text that is not shown? */
export function isFingerprint(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(SECRET);
}

function inOrderOf({ properties }: { readonly properties: object }, section: object): object {
  const keys = Object.keys(properties).filter((key) => Object.hasOwn(section, key));
  return Object.fromEntries(keys.map((key) => [key, (section as Readonly<Record<string, unknown>>)[key]]));
}

function withUnits({ schema, value }: Written): unknown {
  return mapScalars(schema, value, [], withUnit);
}

function withUnit(scalar: unknown, { unit }: Schema): unknown {
  if (typeof scalar !== 'number') return scalar;
  if (unit === 'duration') return durationText(scalar);
  if (unit === 'size') return sizeText(scalar);
  return unit === 'rate' ? rateText(scalar) : scalar;
}
