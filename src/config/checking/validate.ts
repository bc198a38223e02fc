import { Ajv, type ValidateFunction } from 'ajv';
import type { Problem, Report } from '../../core/problem.js';
import { faultsOf, type Fault } from './faults.js';
import { UNITS } from './meant.js';
import { mend } from './mend.js';
import { mapScalars, type Schema } from './shape.js';
import { jsonNumberFault, numberFault } from './wording.js';

export type { Schema } from './shape.js';

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true, allowUnionTypes: true, validateSchema: false });
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

/** What checking needs to know of the document a value came from, and tells it. */
export interface Checking {
  readonly report: Report;
  readonly warn: Report;
  /** Paths (joined with NUL) that hold references. */
  readonly referring: ReadonlySet<string>;
  /** Paths (joined with NUL) that are nothing but references. */
  readonly replaced: ReadonlySet<string>;
  /** Paths (joined with NUL) of which a problem was told: those below them, too, say nothing further. */
  readonly broken: Set<string>;
  /** The text that stands there, where it may be shown; null otherwise. */
  readonly written: (path: Problem['path'], schema: object) => string | null;
  /** The path of the text that a comma between braces may have cut off from the key at this one. */
  readonly cutFrom: (path: Problem['path']) => Problem['path'] | null;
  readonly rename: (from: Problem['path'], to: Problem['path']) => void;
  /** Where a key that is unknown at `path`, in what has this `type`, belongs, and what of it would only seem to be missing; null where it is known nowhere. */
  readonly belongs: (path: Problem['path'], key: string, type: unknown) => Belonging | null;
}

export interface Belonging {
  readonly remedy: string;
  readonly path: Problem['path'] | null;
  /** So close by that it is likelier than a misspelt key. */
  readonly near: boolean;
}

/** Mending one mistake may show another below it; the parts of a document nest less deep than this. */
const ROUNDS_MAX = 8;

/**
 * Validates `value`, fills in defaults, and turns texts with units into numbers. Reports every mistake, and goes on with something that the
 * schema allows in its place, whose path is then broken. What it gives is frozen.
 */
export function validate(given: object, value: unknown, path: Problem['path'], checking: Checking): unknown {
  const schema = given as Schema;
  const whole = { value: mapScalars(schema, value, path, (scalar, at, place) => asWanted(scalar, at, place, checking)) };
  const check = compiled(schema);
  const mended = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX && !check(whole.value); round++) {
    const faults = faultsOf(check.errors ?? [], schema, path, whole.value, checking).filter(
      ({ subject, keyword }) => !mended.has(`${subject.join('\0')} ${keyword}`),
    );
    if (faults.length === 0) break;
    // What a misspelt or misplaced key brings is not missing: such keys come first.
    const unknown = faults.filter(({ keyword }) => keyword === 'additionalProperties');
    const supplied = new Set(unknown.flatMap(({ renamed }) => (renamed === undefined ? [] : [renamed.join('\0')])));
    const others = faults.filter(({ keyword, subject }) => keyword !== 'additionalProperties' && !supplied.has(subject.join('\0')));
    for (const group of [unknown, others]) {
      for (const { problem, subject } of group) if (!isBroken(checking.broken, subject)) checking.report(problem);
      for (const fault of group) mendOne(fault, schema, whole, path, mended, checking);
    }
  }
  return frozen(mapScalars(schema, whole.value, path, (scalar, at, place) => parsed(scalar, at, place, checking)));
}

function mendOne(fault: Fault, schema: Schema, whole: { value: unknown }, root: Problem['path'], mended: Set<string>, checking: Checking): void {
  mended.add(`${fault.subject.join('\0')} ${fault.keyword}`);
  const known = mend(fault, schema, whole, root);
  if (fault.renamed !== undefined) checking.rename(fault.subject, fault.renamed);
  else if (!known) checking.broken.add(fault.subject.join('\0'));
  if (fault.elsewhere !== undefined && fault.elsewhere !== null) checking.broken.add(fault.elsewhere.join('\0'));
}

function parsed(scalar: unknown, at: Schema, path: Problem['path'], checking: Checking): unknown {
  if (at.unit === undefined || typeof scalar !== 'string') return scalar;
  if (at.unit === 'secret') tellOfSecret(scalar, path, checking);
  return UNITS[at.unit]?.parse(scalar) ?? 0;
}

function tellOfSecret(secret: string, path: Problem['path'], { report, warn, referring }: Checking): void {
  if (!referring.has(path.join('\0')))
    warn({ path, what: 'a secret stands in the file itself', remedy: 'write ${VAR} or ${file:PATH} in its place' });
  const isPem = secret.startsWith('-----BEGIN ');
  if (/[\r\n]/.test(secret) && !isPem)
    report({ path, what: 'the secret has more than one line', remedy: 'write it in one, without an empty line before it' });
  else if (secret !== secret.trim() && !isPem)
    warn({ path, what: 'the secret begins or ends with a space', remedy: 'delete the space, unless it belongs to it' });
}

/** Is the path, or what it is part of, known to be wrong? */
export function isBroken(broken: ReadonlySet<string>, path: Problem['path']): boolean {
  if (broken.size === 0) return false;
  let joined = '';
  if (broken.has(joined)) return true;
  return path.some((part, index) => {
    joined = index === 0 ? String(part) : `${joined}\0${part}`;
    return broken.has(joined);
  });
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
  mapScalars(schema, value, [], (scalar, at) => {
    if (at.unit === 'secret' && typeof scalar === 'string') found.push(scalar);
    return scalar;
  });
  return found;
}

/** What `port: ${PORT}` stands for, where the schema wants no text; and a number that is not written as one reads it is told. */
function asWanted(scalar: unknown, schema: Schema, path: Problem['path'], checking: Checking): unknown {
  const wanted = schema.type ?? '';
  const isNumber = wanted === 'integer' || wanted === 'number';
  if (typeof scalar === 'number' && (isNumber || wanted === '')) {
    const fault = (isNumber ? numberFault : jsonNumberFault)(scalar, checking.written(path, schema));
    if (fault !== null) checking.report({ path, ...fault });
    return scalar;
  }
  if (typeof scalar !== 'string' || !checking.replaced.has(path.join('\0'))) return scalar;
  if (isNumber && /^-?\d+(\.\d+)?$/.test(scalar)) return Number(scalar);
  if (wanted === 'boolean' && (scalar === 'true' || scalar === 'false')) return scalar === 'true';
  return scalar;
}
