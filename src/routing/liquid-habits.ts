import { withoutLiterals, type Segment } from './liquid-segments.js';
import type { Mistake } from './mistake.js';

/** What CEL's and JavaScript's functions are in Liquid. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  contains: 'write {% if $ contains "…" %}',
  includes: 'write {% if $ contains "…" %}',
  matches: 'put it into the `where` of a row: Liquid has no regular expressions',
  startsWith: 'put it into the `where` of a row, or write {% if $ contains "…" %}',
  endsWith: 'put it into the `where` of a row, or write {% if $ contains "…" %}',
  size: 'write $ | size',
  length: 'write $ | size',
  lowerAscii: 'write $ | downcase',
  toLowerCase: 'write $ | downcase',
  upperAscii: 'write $ | upcase',
  toUpperCase: 'write $ | upcase',
  trim: 'write $ | strip',
  split: 'write $ | split: ","',
  join: 'write $ | join: ","',
  replace: 'write $ | replace: "…", "…"',
  orValue: 'write $ | default: "…"',
};

const CONDITIONS = ['if', 'elsif', 'unless'];

/** What people write in Liquid who know CEL or JavaScript; at most one for each pair of braces. */
export function habitMistakes(source: string, segments: readonly Segment[]): Mistake[] {
  return [...segments.flatMap((segment) => habitIn(segment) ?? []), ...singleBraces(source)];
}

function habitIn(segment: Segment): Mistake | null {
  const { tag, code, inside } = segment;
  const condition = tag !== null && CONDITIONS.includes(tag);
  const at = (match: RegExpExecArray, within = 0): number => inside + match.index + within;

  const call = /([\w.[\]"]*?)\.?\b(\w+)\(/.exec(code);
  // `for i in(1..3)` is a range.
  if (call !== null && call[2] !== 'in') {
    const [, on = '', name = ''] = call;
    const argument = /^has\(\s*([\w.]+)/.exec(code.slice(call.index))?.[1];
    const remedy = argument === undefined ? FUNCTIONS[name]?.replaceAll('$', on) : `write {% if ${argument} %}`;
    const offset = at(call, call[0].length - name.length - 1);
    return { what: `"${name}(…)" is a function of CEL: this is Liquid`, remedy: remedy ?? 'write a filter: event.name | downcase', offset };
  }
  const both = /&&|\|\|/.exec(code);
  if (both !== null) {
    const [sign] = both;
    const remedy = sign === '&&' ? 'write and, in {% if %}' : condition ? 'write or' : 'write | default: "…"';
    return { what: `"${sign}" is no operator of Liquid`, remedy, offset: at(both) };
  }
  const not = /!(?!=)/.exec(code);
  if (not !== null) return { what: '"!" is no operator of Liquid', remedy: 'write {% unless … %}, or compare: == false', offset: at(not) };
  const equals = /(?:===|(?<![=!<>])=(?!=))/.exec(code);
  if (condition && equals !== null) return { what: `"${equals[0]}" is no operator of Liquid`, remedy: 'compare with ==', offset: at(equals) };
  const filter = /\|/.exec(code);
  if (condition && filter !== null)
    return {
      what: 'a filter cannot stand in a condition: it would change the result of all of it',
      remedy: 'put it into {% assign value = … %} before',
      offset: at(filter),
    };
  return tag === null ? habitInOutput(segment) : null;
}

function habitInOutput({ code, text, inside }: Segment): Mistake | null {
  const ternary = /\?/.exec(code);
  if (ternary !== null)
    return { what: '"?" is no operator of Liquid', remedy: 'write {% if … %}…{% else %}…{% endif %}', offset: inside + ternary.index };
  const comparison = /[=!<>]=|[<>]/.exec(code);
  if (comparison !== null)
    return { what: 'a comparison puts out true or false', remedy: `write {% if ${text.trim()} %}…{% endif %}`, offset: inside + comparison.index };
  const sum = /(?<=[\w"'\])]\s*)\+|(?<=[\w"'\])]\s+)[-*/](?=\s)/.exec(code);
  const filters: Readonly<Record<string, string>> = {
    '+': 'write | append: "…", or | plus: 1',
    '-': 'write | minus: 1',
    '*': 'write | times: 2',
    '/': 'write | divided_by: 2',
  };
  return sum === null
    ? null
    : { what: `"${sum[0]}" is no operator of Liquid`, remedy: filters[sum[0]] ?? 'write a filter', offset: inside + sum.index };
}

/** `{event.name}` would go out as it stands. */
function singleBraces(source: string): Mistake[] {
  return [...withoutLiterals(source).matchAll(/(?<!\{)\{\s*(event\.[\w.]+)\s*\}(?!\})/g)].map(({ 0: found, 1: field = '', index }) => ({
    what: `"${found}" is not computed: one brace is a text here`,
    remedy: `write {{ ${field} }}`,
    offset: index,
  }));
}
