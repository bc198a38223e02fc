import { suggest } from '../core/suggest.js';
import type { Segment } from './liquid-segments.js';
import type { Mistake } from './mistake.js';

/** Tags that open a block, and what may stand in it. */
const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  if: ['elsif', 'else'],
  unless: ['elsif', 'else'],
  case: ['when', 'else'],
  for: ['else'],
  tablerow: [],
  capture: [],
  comment: [],
  raw: [],
};

const FILE_TAGS = ['include', 'render', 'layout', 'block'];

/** Names that other languages have for them. */
const HABITS: Readonly<Record<string, string>> = {
  elseif: 'elsif',
  elif: 'elsif',
  foreach: 'for',
  set: 'assign',
  let: 'assign',
  var: 'assign',
  switch: 'case',
};

/** How a tag is written. */
const USAGE: Readonly<Record<string, string>> = {
  assign: 'write {% assign name = value %}',
  capture: 'write {% capture name %}…{% endcapture %}',
  for: 'write {% for item in event.data.list %}',
  if: 'write {% if event.name == "…" %}',
  elsif: 'write {% elsif event.name == "…" %}',
  unless: 'write {% unless event.name == "…" %}',
  case: 'write {% case event.type %}{% when "…" %}',
  when: 'write {% when "…" %}',
};

/** What the parser's error means, in plain words. */
export function parseMistake(source: string, segments: readonly Segment[], error: unknown, tags: readonly string[]): Mistake {
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0]?.replace(/, line:\d+, col:\d+$/, '') ?? '';
  const offset = Math.min(beginOf(error), source.length);
  const inside = segments.find(({ start, end }) => start <= offset && offset < end);

  if (/^parse length limit/.test(message)) return { what: 'the template is too long', remedy: 'shorten it', offset: 0 };
  if (/^(output|tag) "/.test(message) && message.endsWith('not closed')) return openBraces(source, offset);
  if (/^raw .* not closed$/s.test(message)) return notClosed('raw', source.lastIndexOf('{%', offset));
  if (/^tag .* not closed$/s.test(message)) return notClosed(/^\{%-?\s*(\w+)/.exec(source.slice(offset))?.[1] ?? 'if', offset);
  const missing = /^tag "(\w*)" not found$/.exec(message)?.[1];
  if (missing !== undefined) return unknownTag(missing, offset, segments, tags);
  const usage = USAGE[inside?.tag ?? ''];
  if (message.startsWith('illegal tag'))
    return { what: `{% ${inside?.tag ?? ''} %} is not written like this`, remedy: usage ?? 'mend the tag', offset };
  if (message.startsWith('invalid value expression'))
    return inside === undefined || inside.tag === null
      ? {
          what: 'nothing stands in these braces that could be put out',
          remedy: 'write a field, such as {{ event.name }}, or delete them',
          offset: inside?.start ?? offset,
        }
      : { what: `{% ${inside.tag} %} lacks a value`, remedy: usage ?? 'write it', offset: inside.start };
  if (message === 'expected "="') return { what: 'an "=" is missing', remedy: usage ?? 'write {% assign name = value %}', offset };
  if (message === 'expected filter name')
    return { what: 'the name of a filter is missing behind "|"', remedy: 'write it, or delete the "|"', offset };
  if (message === 'expected ":" after filter name') {
    const name = /(\w+)\s*$/.exec(source.slice(0, offset))?.[1] ?? '';
    return { what: `a ":" is missing behind the filter "${name}"`, remedy: `write | ${name}: …`, offset };
  }
  if (message === 'invalid range syntax') return { what: 'brackets are for ranges alone', remedy: 'write (1..3), or delete them', offset };
  if (message.startsWith('expected "|"')) {
    const start = offset + (/^\s*/.exec(source.slice(offset))?.[0].length ?? 0);
    const token = /^(?:"[^"]*"|'[^']*'|[\w.]+|\S)/.exec(source.slice(start))?.[0] ?? '';
    return { what: `"${token.replaceAll('"', '')}" is not expected here`, remedy: 'put | before a filter, or delete it', offset: start };
  }
  return { what: message, remedy: 'mend the Liquid template', offset };
}

/** `{{` or `{%` that is never closed, or a text in it whose quote is not. */
function openBraces(source: string, offset: number): Mistake {
  const opening = source.slice(offset, offset + 2);
  const closing = opening === '{{' ? '}}' : '%}';
  const next = source.indexOf(closing, offset);
  const quote = next === -1 ? -1 : openQuote(source.slice(offset, next));
  if (quote !== -1)
    return {
      what: 'the text that begins here has no closing quote',
      remedy: `add ${source[offset + quote] ?? '"'} at its end`,
      offset: offset + quote,
    };
  return { what: `this "${opening}" is never closed`, remedy: `add "${closing}"`, offset };
}

function openQuote(text: string): number {
  let open = -1;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (open === -1 ? char === '"' || char === "'" : char === text[open]) open = open === -1 ? at : -1;
  }
  return open;
}

function notClosed(tag: string, offset: number): Mistake {
  return { what: `this {% ${tag} %} has no {% end${tag} %}`, remedy: `add {% end${tag} %}`, offset };
}

function unknownTag(name: string, offset: number, segments: readonly Segment[], tags: readonly string[]): Mistake {
  if (name === '') return { what: 'a tag has no name', remedy: 'write {% if … %}, or {{ … }} to put something out', offset };
  if (FILE_TAGS.includes(name)) return { what: `there is no tag "${name}": a template reads no other file`, remedy: 'write the text here', offset };
  const open = openBlock(segments, offset);
  const block = name.startsWith('end') ? name.slice('end'.length) : '';
  if (block in BLOCKS) {
    const what = open === null ? `{% ${name} %} closes nothing` : `{% ${name} %} does not close {% ${open} %}`;
    return { what, remedy: open === null ? `delete it, or open {% ${block} %}` : `write {% end${open} %}`, offset };
  }
  const homes = Object.keys(BLOCKS).filter((opener) => BLOCKS[opener]?.includes(name) === true);
  if (homes.length > 0) return { what: `{% ${name} %} stands outside of {% ${homes[0] ?? ''} %}`, remedy: 'move it, or delete it', offset };
  const habit = HABITS[name];
  if (habit !== undefined) return { what: `there is no tag "${name}"`, remedy: `did you mean "${habit}"?`, offset };
  const known = [...tags, ...Object.keys(BLOCKS).map((opener) => `end${opener}`), ...Object.values(BLOCKS).flat()].filter((tag) => /^\w/.test(tag));
  return { what: `there is no tag "${name}"`, remedy: suggest(name, [...new Set(known)]), offset };
}

/** The innermost block that is open at a place. */
function openBlock(segments: readonly Segment[], offset: number): string | null {
  const open: string[] = [];
  for (const { tag, start } of segments) {
    if (start >= offset || tag === null) continue;
    if (tag in BLOCKS) open.push(tag);
    else if (tag.startsWith('end')) open.pop();
  }
  return open.at(-1) ?? null;
}

function beginOf(error: unknown): number {
  const token = typeof error === 'object' && error !== null && 'token' in error ? error.token : null;
  return typeof token === 'object' && token !== null && 'begin' in token && typeof token.begin === 'number' ? token.begin : 0;
}
