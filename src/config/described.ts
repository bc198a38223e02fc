import type { Redact } from '../core/redact.js';
import { createHmac } from 'node:crypto';
import { durationText, rateText, sizeText } from './units.js';
import { mapScalars, type Schema } from './shape.js';

/**
 * A configuration as it is compared and shown: defaults filled in, times and sizes with their units. A text that holds a secret is a
 * fingerprint: two of them can be compared where they were made with one salt, and nothing can be read from them.
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
export interface WrittenParts {
  readonly settings: Readonly<Record<string, Written>>;
  /** By name; each in one part or, where its kind has a schema of its own, in several that are put over each other. */
  readonly sources: Readonly<Record<string, { readonly own: Written; readonly verify: Written }>>;
  readonly sinks: Readonly<Record<string, Written>>;
  readonly routes: readonly DescribedRow[];
}

const FINGERPRINT_CHARS = 16;
const SECRET = 'secret:';

/** `redact` finds the secrets; `salt` is what their fingerprints are made with. */
export function describeParts(parts: WrittenParts, redact: Redact, salt: string): Described {
  const shown = (scalar: unknown): unknown =>
    typeof scalar !== 'string' || redact(scalar) === scalar
      ? scalar
      : `${SECRET}${createHmac('sha256', salt).update(scalar).digest('hex').slice(0, FINGERPRINT_CHARS)}`;
  const show = ({ schema, value }: Written): unknown => mapScalars(schema, value, [], (scalar, at) => shown(withUnit(scalar, at)));
  const showAll = (all: Readonly<Record<string, Written>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(all).map(([name, part]) => [name, show(part)]));
  return {
    settings: showAll(parts.settings),
    sources: Object.fromEntries(
      Object.entries(parts.sources).map(([name, { own, verify }]) => [name, { ...(show(own) as object), verify: show(verify) }]),
    ),
    sinks: showAll(parts.sinks),
    routes: show({ schema: {}, value: parts.routes }) as DescribedRow[],
  };
}

/** Does it stand for a text that is not shown? */
export function isFingerprint(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(SECRET);
}

function withUnit(scalar: unknown, { unit }: Schema): unknown {
  if (typeof scalar !== 'number') return scalar;
  if (unit === 'duration') return durationText(scalar);
  if (unit === 'size') return sizeText(scalar);
  return unit === 'rate' ? rateText(scalar) : scalar;
}
