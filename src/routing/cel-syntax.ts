import type { Mistake } from './mistake.js';

/** What cel-js's parser says. */
export interface SyntaxFault {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

/** A habit from another language: what stands at, or just before, the place where CEL stumbles. */
interface Habit {
  readonly pattern: RegExp;
  readonly what?: string;
  readonly remedy: string;
}

// In their order: the longer sign first.
const HABITS: readonly Habit[] = [
  { pattern: /\{\{/, what: '"{{" belongs to Liquid templates: this is CEL', remedy: 'write the field alone: event.name' },
  { pattern: /===/, remedy: 'compare with ==' },
  { pattern: /!==/, remedy: 'compare with !=' },
  { pattern: /=~/, remedy: 'write event.name.matches("…")' },
  { pattern: /=>/, remedy: 'write list.exists(item, item == "…")' },
  { pattern: /<>/, remedy: 'compare with !=' },
  { pattern: /[<>!=]?=/, remedy: 'compare with ==' },
  { pattern: /\?\./, remedy: 'write .?name for what may be missing, and .orValue("") behind it' },
  { pattern: /\?\?/, remedy: 'write .orValue("…") behind .?name' },
  { pattern: /\band\b/i, remedy: 'write &&' },
  { pattern: /\bor\b/i, remedy: 'write ||' },
  { pattern: /\bnot\s+in\b/i, remedy: 'write !(event.type in ["…"])' },
  { pattern: /\bis\s+not\b/i, remedy: 'compare with !=' },
  { pattern: /\bis\b/i, remedy: 'compare with ==' },
  { pattern: /\bnot\b/i, remedy: 'write !' },
  { pattern: /\b(contains|startsWith|endsWith|matches)\b/i, remedy: 'write it with a dot and brackets: event.name.contains("…")' },
  { pattern: /\blike\b/i, remedy: 'write event.name.matches("…") or event.name.contains("…")' },
  { pattern: /(?<!&)&(?!&)/, remedy: 'write &&' },
  { pattern: /(?<!\|)\|(?!\|)/, remedy: 'write ||; filters belong to Liquid templates' },
  { pattern: /[“”„«»`]/, what: 'this is no quote of CEL', remedy: 'use "' },
  { pattern: /[‘’]/, what: 'this is no quote of CEL', remedy: "use '" },
  { pattern: /#/, remedy: 'comments begin with //' },
];

/** What an expression that cannot be parsed gets wrong, in plain words. */
export function syntaxMistake(source: string, fault: SyntaxFault): Mistake {
  const { offset } = fault;
  if (source.trim() === '') return { what: 'the expression is empty', remedy: 'write one, or delete the key', offset: 0 };
  if (fault.code === 'unterminated_string' || fault.code === 'unterminated_triple_quoted_string')
    return { what: 'the text that begins here has no closing quote', remedy: `add ${source[offset] ?? '"'} at its end`, offset };
  if (fault.code === 'newline_in_string')
    return { what: 'the text has no closing quote on its line', remedy: 'close it, or write \\n for the end of a line', offset };
  if (fault.code.includes('escape') || fault.code === 'invalid_unicode_surrogate') return escapeMistake(source, offset);
  if (fault.code === 'limit_exceeded')
    return { what: 'the expression has too many parts', remedy: 'shorten it, or make several rows of it', offset: Math.min(offset, source.length) };
  if (fault.code === 'reserved_identifier') return reservedMistake(source, offset);
  if (fault.code === 'invalid_macro_argument') {
    const macro = /^(\w+)\(/.exec(fault.message)?.[1] ?? 'exists';
    return { what: `the first argument of ${macro} is a name for the element`, remedy: `write .${macro}(item, item == "…")`, offset };
  }
  return habitAt(source, offset) ?? bracketMistake(source) ?? memberMistake(source, fault) ?? unexpected(source, offset);
}

/** The expression with what is in texts and comments blanked, so that signs there are none. */
export function blanked(source: string): string {
  return source.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*/g, (found) =>
    found.startsWith('/') ? ' '.repeat(found.length) : (found[0] ?? '') + '_'.repeat(found.length - 2) + (found[0] ?? ''),
  );
}

/** The habit whose sign touches the place; Liquid's braces wherever they are: the parser takes them for maps. */
function habitAt(source: string, offset: number): Mistake | null {
  const code = blanked(source);
  for (const { pattern, what, remedy } of HABITS) {
    for (const { 0: found, index } of code.matchAll(new RegExp(pattern, `${pattern.flags}g`))) {
      const touches = found === '{{' || (index <= offset && /^\s*$/.test(code.slice(index + found.length, Math.max(offset, index + found.length))));
      // `a == = b`: the first is right, and ends before the place.
      const right = /^(==|!=|<=|>=)$/.test(found) && index + found.length <= offset;
      if (!touches || right) continue;
      const inner = found === '{{' ? /^\{\{-?\s*([\w.]+)/.exec(source.slice(index))?.[1] : undefined;
      return { what: what ?? `"${found}" is no operator of CEL`, remedy: inner === undefined ? remedy : `write ${inner}`, offset: index };
    }
  }
  return null;
}

const PARTNERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

function bracketMistake(source: string): Mistake | null {
  const open: { char: string; at: number }[] = [];
  for (const { 0: char, index: at } of blanked(source).matchAll(/[()[\]{}]/g)) {
    if (char in PARTNERS) {
      open.push({ char, at });
      continue;
    }
    const last = open.pop();
    if (last === undefined) return { what: `this "${char}" closes nothing`, remedy: 'delete it, or open it further left', offset: at };
    if (PARTNERS[last.char] !== char)
      return { what: `this "${char}" does not close the "${last.char}" before it`, remedy: `write "${PARTNERS[last.char] ?? ''}"`, offset: at };
  }
  const last = open.at(-1);
  return last === undefined ? null : { what: `this "${last.char}" is never closed`, remedy: `add "${PARTNERS[last.char] ?? ''}"`, offset: last.at };
}

/** Behind a dot stands something that is no name. */
function memberMistake(source: string, { message, offset }: SyntaxFault): Mistake | null {
  if (!message.startsWith('Expected IDENTIFIER')) return null;
  const token = tokenAt(source, offset);
  if (token === '') return { what: 'a name is missing behind the dot', remedy: 'write it, or delete the dot', offset: source.lastIndexOf('.') };
  const index = /^(["']|\d)/.test(token) ? token : `"${token}"`;
  return { what: `${/^["']/.test(token) ? token : `"${token}"`} cannot stand behind a dot`, remedy: `write [${index}] instead of .${token}`, offset };
}

function unexpected(source: string, offset: number): Mistake {
  const token = tokenAt(source, offset);
  const before = /(\S+)\s*$/.exec(source.slice(0, offset))?.[1] ?? '';
  if (token === '') {
    const last = /[^\w\s]+$|\w+$/.exec(before)?.[0] ?? before;
    return {
      what: `the expression ends behind "${last}"`,
      remedy: 'write what comes next, or delete it',
      offset: source.trimEnd().length - last.length,
    };
  }
  if (before === '' || /[&|=<>!+\-*/%(,[{?:]$/.test(before))
    return { what: `"${token}" cannot stand here`, remedy: 'put a field or a value here', offset };
  return { what: `"${token}" is not expected here`, remedy: /^[\w"']/.test(token) ? 'put && or || before it, or delete it' : 'delete it', offset };
}

function escapeMistake(source: string, offset: number): Mistake {
  const escape = /^\\(?:[uUxX][0-9a-fA-F]*|.)/.exec(source.slice(offset))?.[0] ?? '\\';
  return { what: `${escape} is no escape of CEL's texts`, remedy: `write \\${escape}, or put r before the quote: r"${escape}"`, offset };
}

function reservedMistake(source: string, offset: number): Mistake {
  const word = tokenAt(source, offset);
  const remedy = word === 'if' || word === 'else' ? 'write CONDITION ? A : B' : word === 'for' ? 'write list.exists(item, …)' : 'choose another name';
  return { what: `"${word}" is a word that CEL keeps for itself`, remedy, offset };
}

function tokenAt(source: string, offset: number): string {
  return /^(?:"[^"]*"?|'[^']*'?|\w+|\S)/.exec(source.slice(offset))?.[0] ?? '';
}
