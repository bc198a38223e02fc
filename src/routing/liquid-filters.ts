import { suggest } from '../core/suggest.js';
import type { Segment } from './liquid-segments.js';
import type { Mistake } from './mistake.js';

/** Names that other languages have for them. */
const HABITS: Readonly<Record<string, string>> = {
  upper: 'upcase',
  uppercase: 'upcase',
  upperascii: 'upcase',
  touppercase: 'upcase',
  lower: 'downcase',
  lowercase: 'downcase',
  lowerascii: 'downcase',
  tolowercase: 'downcase',
  title: 'capitalize',
  trim: 'strip',
  length: 'size',
  count: 'size',
  tojson: 'json',
  to_json: 'json',
  substring: 'slice',
  substr: 'slice',
  concatenate: 'append',
  add: 'plus',
  subtract: 'minus',
  multiply: 'times',
  divide: 'divided_by',
  mod: 'modulo',
  safe: 'raw',
  format: 'date',
  currency: 'money',
  usd: 'money',
  size_in_bytes: 'bytes',
  filesizeformat: 'bytes',
  humanize: 'duration',
  link: 'slack-link',
  slack_link: 'slack-link',
  slack_date: 'slack-date',
  slack_escape: 'slack-escape',
};

const NONE = [0, 0] as const;
const ONE = [1, 1] as const;

/** How many arguments the filters take that people use; of others it is not known, and not checked. Liquid takes a missing one for nothing. */
const ARGUMENTS: Readonly<Record<string, readonly [number, number]>> = {
  upcase: NONE,
  downcase: NONE,
  capitalize: NONE,
  size: NONE,
  strip: NONE,
  lstrip: [0, 1],
  rstrip: [0, 1],
  escape: NONE,
  first: NONE,
  last: NONE,
  reverse: NONE,
  url_encode: NONE,
  abs: NONE,
  ceil: NONE,
  floor: NONE,
  append: ONE,
  prepend: ONE,
  remove: ONE,
  remove_first: ONE,
  remove_last: ONE,
  replace: [2, 2],
  replace_first: [2, 2],
  replace_last: [2, 2],
  split: ONE,
  slice: [1, 2],
  truncate: [0, 2],
  truncatewords: [0, 2],
  default: [1, 2],
  date: [1, 2],
  plus: ONE,
  minus: ONE,
  times: ONE,
  divided_by: [1, 2],
  modulo: ONE,
  at_least: ONE,
  at_most: ONE,
  join: [0, 1],
  map: ONE,
  round: [0, 1],
  bytes: NONE,
  duration: [0, 1],
  money: [0, 1],
  'slack-date': NONE,
  'slack-escape': NONE,
  'slack-link': [0, 1],
};

const NUMERIC = ['truncate', 'truncatewords', 'plus', 'minus', 'times', 'divided_by', 'modulo', 'at_least', 'at_most', 'round', 'slice'];

/** Filters that do not exist, or are given what they do not take. */
export function filterMistakes(segments: readonly Segment[], known: readonly string[]): Mistake[] {
  return segments.flatMap(({ code, text, inside }) =>
    [...code.matchAll(/(?<!\|)\|(?!\|)\s*([\w-]+)\s*(:[^|]*)?/g)].flatMap(({ 0: found, 1: name = '', 2: args = '', index }) => {
      const at = index + found.indexOf(name);
      const offset = inside + at;
      if (!known.includes(name)) {
        const habit = HABITS[name.toLowerCase()];
        const close = known.find((filter) => filter === name.toLowerCase());
        return {
          what: `there is no filter "${name}"`,
          remedy: (close ?? habit) ? `did you mean "${close ?? habit ?? ''}"?` : suggest(name, known),
          offset,
        };
      }
      const given = args
        .slice(1)
        .split(',')
        .map((arg) => arg.trim())
        .filter((arg) => arg !== '');
      // Where its ":" is missing, that is what the parser tells.
      const range = /^\s*([:|]|$)/.test(code.slice(at + name.length)) ? ARGUMENTS[name] : undefined;
      if (range !== undefined && (given.length < range[0] || given.length > range[1]))
        return {
          what: `the filter "${name}" takes ${counted(range)}, and is given ${given.length}`,
          remedy: range[0] === 0 && range[1] === 0 ? `write | ${name}` : `write | ${name}: ${examples(range[0])}`,
          offset,
        };
      const first = /^:\s*(["'][^"']*["'])/.exec(text.slice(at + name.length).trimStart())?.[1];
      if (first !== undefined && NUMERIC.includes(name) && !/^.-?\d+(\.\d+)?.$/.test(first))
        return { what: `the filter "${name}" takes a number, and is given ${first}`, remedy: `write | ${name}: 10`, offset };
      return [];
    }),
  );
}

function counted([least, most]: readonly [number, number]): string {
  const number = least === most ? String(least) : `${least} or ${most}`;
  return most === 0 ? 'no argument' : `${number} ${most === 1 ? 'argument' : 'arguments'}`;
}

function examples(count: number): string {
  return Array.from({ length: Math.max(1, count) }, () => '"…"').join(', ');
}
