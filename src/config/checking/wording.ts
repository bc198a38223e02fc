import type { ErrorObject } from 'ajv';
import type { Problem } from '../../core/problem.js';
import { suggest } from '../../core/suggest.js';
import { meant, numberMeant, switchMeant, UNITS } from './meant.js';
import { NAME } from '../schema/schema.js';
import { isTellable } from './secrecy.js';
import type { Schema } from './shape.js';

type Words = Pick<Problem, 'what' | 'remedy'>;

export const NAME_REMEDY = 'use letters, digits, "-" and "_", a letter first';

/** What is wrong with a value and what to do. `written` is how it stands in the file; null where that may not be shown. */
export function wordsOf(error: ErrorObject, path: Problem['path'], written: string | null): Words {
  const params = error.params as Readonly<Record<string, unknown>>;
  const parent = error.parentSchema as Schema;
  const described = describe(parent);
  const wanted = String(error.schema);
  const unit = UNITS[parent.unit ?? ''];
  switch (error.keyword) {
    case 'unit':
      return unitWords(wanted, String(error.data));
    case 'min':
      return { what: `"${String(error.data)}" is ${unit?.belowMin ?? 'too little'}`, remedy: `make it at least ${wanted}` };
    case 'max':
      return { what: `"${String(error.data)}" is ${unit?.aboveMax ?? 'too much'}`, remedy: `make it at most ${wanted}` };
    case 'enum':
      if (typeof error.data === 'string' && /\{[{%]/.test(error.data)) return { what: 'a template is not allowed here', remedy: described };
      return enumWords(error.data, (params['allowedValues'] as unknown[]).map(String));
    case 'type':
      return typeWords(error, path, written, described);
    case 'minimum':
      return { what: `${String(error.data)} is too small`, remedy: `make it at least ${wanted}` };
    case 'maximum':
      return { what: `${String(error.data)} is too large`, remedy: `make it at most ${wanted}` };
    case 'minItems':
    case 'minLength':
    case 'minProperties':
      return { what: 'it is empty', remedy: described };
    case 'maxItems':
      return { what: `it has more than ${wanted} entries`, remedy: `make it at most ${wanted}` };
    case 'pattern':
      if (error.schema === NAME) return { what: `${show(error.data)} is not allowed as a name`, remedy: NAME_REMEDY };
      return { what: 'it does not have the form that is wanted here', remedy: example(parent) ?? described };
    case 'uniqueItems':
      return { what: `entries ${String(params['i'])} and ${String(params['j'])}, counted from 0, are the same`, remedy: 'delete one of them' };
    case 'anyOf':
      return anyWords(error.data, parent, written, described);
    default:
      return { what: `${error.message ?? 'is wrong'}, and this is ${kindOf(error.data)}`, remedy: described };
  }
}

/** What a value of the wrong type was likely meant to be: going on with it finds the mistakes behind it. Undefined where that is not clear. */
export function meantBy(error: ErrorObject, written: string | null): unknown {
  if (error.keyword === 'unit') return meant(String(error.schema), String(error.data)) ?? undefined;
  if (error.keyword !== 'type') return undefined;
  switch (error.schema) {
    case 'boolean':
      return switchMeant(error.data) ?? undefined;
    case 'integer':
    case 'number':
      return numberMeant(error.data) ?? undefined;
    case 'array':
      return typeof error.data === 'string' ? [error.data] : undefined;
    case 'string':
      return (error.parentSchema as Schema).unit === undefined && (typeof error.data === 'number' || typeof error.data === 'boolean')
        ? (written ?? String(error.data))
        : undefined;
    default:
      return undefined;
  }
}

/** `010`, `0x1F`, `1e3`: read as a number other than the one that seems to stand there. Null where it is written plainly. */
export function numberFault(value: number, written: string | null): Words | null {
  if (written === null || /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(written) || !Number.isFinite(value)) return null;
  return { what: `YAML reads \`${written}\` as the number ${value}`, remedy: `write ${value}` };
}

/** The same where any value of JSON may stand: all of them are passed on as they are read. */
export function jsonNumberFault(value: number, written: string | null): Words | null {
  const shown = written ?? String(value);
  if (!Number.isFinite(value)) return { what: `\`${shown}\` is no number of JSON`, remedy: 'write a number, or null' };
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    return {
      what: `\`${shown}\` is read as ${value}`,
      remedy: 'it is too large to be exact: give all around it as one text of JSON, in single quotes',
    };
  return numberFault(value, written);
}

function unitWords(unit: string, text: string): Words {
  const rule = UNITS[unit];
  const what = `${show(text)} is no ${unit}`;
  const clock = unit === 'duration' ? /^(\d{1,2}):(\d{2})$/.exec(text) : null;
  if (clock !== null) {
    const [a, b] = [Number(clock[1]), Number(clock[2])];
    return { what, remedy: `write ${a}m${b}s for minutes and seconds, ${a}h${b}m for hours and minutes` };
  }
  if (/^\d+$/.test(text)) return { what: `"${text}" has no unit`, remedy: rule?.ofNumber(text) ?? '' };
  if (text.startsWith('-')) return { what: `"${text}" is less than nothing`, remedy: rule?.remedy ?? '' };
  const candidate = meant(unit, text);
  return { what, remedy: candidate === null ? (rule?.remedy ?? '') : `did you mean ${candidate}?` };
}

function enumWords(value: unknown, allowed: readonly string[]): Words {
  const what = `${show(value)} is not allowed here`;
  return { what, remedy: typeof value === 'string' ? suggest(value, allowed) : `known are: ${[...allowed].sort().join(', ')}` };
}

function typeWords(error: ErrorObject, path: Problem['path'], written: string | null, described: string): Words {
  const value: unknown = error.data;
  const { unit } = error.parentSchema as Schema;
  const key = path.findLast((part) => typeof part === 'string') ?? '';
  if (path.length === 0) return wholeWords(value, error.parentSchema as Schema);
  if (unit !== undefined && unit !== 'secret' && typeof value === 'number')
    return { what: `${kindOf(value)} is no ${unit}`, remedy: UNITS[unit]?.ofNumber(String(value)) ?? described };
  if (unit !== undefined && unit !== 'secret' && value !== null)
    return { what: `${kindOf(value)} is no ${unit}`, remedy: UNITS[unit]?.remedy ?? described };
  const wanted = WANTED[String(error.schema)] ?? String(error.schema);
  if (value === null) return { what: `${wanted} is wanted here, and this is nothing`, remedy: 'write one, or delete the key' };
  const what = `${wanted} is wanted here, and this is ${kindOf(value)}`;
  switch (error.schema) {
    case 'boolean':
      return booleanWords(value, what, described);
    case 'integer':
    case 'number': {
      const number = numberMeant(value);
      if (typeof value === 'number')
        return { what: `${wanted} is wanted here, and ${written === null ? 'this' : `\`${written}\``} is none`, remedy: described };
      return { what, remedy: number === null ? `write a number; ${described}` : `write ${number}, without quotes` };
    }
    case 'string':
      return textWords(value, written, what, described);
    case 'array':
      return listWords(value, written, key, what, described);
    default:
      return {
        what,
        remedy: (error.parentSchema as Schema).patternProperties === undefined ? described : `write NAME: and its keys under it; ${described}`,
      };
  }
}

/** What is wanted, in the schema's words, or the keys it may have. */
function describe({ description, properties }: Schema): string {
  if (description !== undefined) return `it is: ${description}`;
  return properties === undefined ? 'see the reference' : `its keys are ${Object.keys(properties).join(', ')}`;
}

function example({ examples, description }: Schema): string | null {
  const first = examples?.[0];
  if (typeof first !== 'string') return null;
  return `write it as in \`${first}\`${description === undefined ? '' : `: ${description}`}`;
}

function wholeWords(value: unknown, { required = [], properties = {} }: Schema): Words {
  const keys = required.filter((key) => properties[key]?.default === undefined).map((key) => `\`${key}:\``);
  const remedy = `begin with ${keys.join(', ')}`;
  return value === null ? { what: 'there is nothing in the file', remedy } : { what: `the file is ${kindOf(value)}, not a mapping`, remedy };
}

function booleanWords(value: unknown, what: string, described: string): Words {
  const meant = switchMeant(value);
  if (meant === null) return { what, remedy: `write true or false; ${described}` };
  const text = typeof value === 'string' && /^(true|false)$/i.test(value.trim()) ? 'it stands in quotes' : null;
  if (typeof value !== 'string') return { what, remedy: `write ${meant}` };
  return {
    what: text === null ? `\`true\` or \`false\` is wanted here, and YAML 1.2 reads \`${value.slice(0, 8)}\` as a text` : what,
    remedy: text === null ? `write ${meant}` : `write ${meant}, without quotes`,
  };
}

function textWords(value: unknown, written: string | null, what: string, described: string): Words {
  if (typeof value === 'object') return { what, remedy: described };
  if (written === null || written.length > SHOWN_CHARS_MAX) return { what, remedy: 'put quotes around it' };
  return {
    what: `a text is wanted here, and \`${written}\` is ${typeof value === 'number' ? `the number ${value}` : '`true` or `false`'} to YAML`,
    remedy: `put quotes around it: "${written}"`,
  };
}

function listWords(value: unknown, written: string | null, key: string, what: string, described: string): Words {
  if (typeof value !== 'object') {
    const shown = written !== null && written.length <= SHOWN_CHARS_MAX && !/[,[\]{}]/.test(written) ? written : '…';
    return { what, remedy: `write \`${key}: [${shown}]\`` };
  }
  return { what, remedy: `begin each entry with "- "; ${described}` };
}

function anyWords(value: unknown, schema: Schema, written: string | null, described: string): Words {
  const types = (schema.anyOf ?? []).map(({ type }) => type);
  if (value === null) return { what: 'there is no value here', remedy: `write one, or delete the key; ${described}` };
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    const words = textWords(value, written, `a text is wanted here, and this is ${kindOf(value)}`, described);
    return types.includes('integer') ? { what: `${kindOf(value)} is not allowed here`, remedy: described } : words;
  }
  return { what: `${kindOf(value)} is not allowed here`, remedy: described };
}

/** Longer texts are not repeated. */
const SHOWN_CHARS_MAX = 32;

/** Never the value itself of a longer text: it may be a secret. */
function show(value: unknown): string {
  return typeof value === 'string' && isTellable(value) ? `"${value}"` : kindOf(value);
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
