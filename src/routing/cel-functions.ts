import type { ASTNode } from '@marcbachmann/cel-js';
import { suggest } from '../core/suggest.js';
import { environment, LINEAR, STEPWISE } from './cel-environment.js';
import { LOOPS } from './cel-rewrite.js';
import { blanked } from './cel-syntax.js';
import { sourceOf } from './cel-tree.js';
import { inWords, typeOf } from './cel-words.js';
import type { Mistake } from './mistake.js';

/** Names that other languages have for them; `$` stands for what the function is called on. */
const HABITS: Readonly<Record<string, string>> = {
  includes: 'write $.contains("…")',
  has: 'write $.contains("…"), or has($)',
  tolowercase: 'write $.lowerAscii()',
  lower: 'write $.lowerAscii()',
  tolower: 'write $.lowerAscii()',
  downcase: 'write $.lowerAscii()',
  touppercase: 'write $.upperAscii()',
  upper: 'write $.upperAscii()',
  toupper: 'write $.upperAscii()',
  upcase: 'write $.upperAscii()',
  length: 'write $.size()',
  len: 'write $.size()',
  count: 'write $.size()',
  match: 'write $.matches("…")',
  test: 'write $.matches("…")',
  regex: 'write $.matches("…")',
  search: 'write $.matches("…")',
  some: 'write $.exists(item, item == "…")',
  any: 'write $.exists(item, item == "…")',
  every: 'write $.all(item, item == "…")',
  find: 'write $.exists(item, item == "…")',
  equals: 'compare with ==',
  eq: 'compare with ==',
  isempty: 'write $ == ""',
  empty: 'write $ == ""',
  tostring: 'write string($)',
  slice: 'write $.substring(0, 5)',
  substr: 'write $.substring(0, 5)',
  strip: 'write $.trim()',
  hasprefix: 'write $.startsWith("…")',
  hassuffix: 'write $.endsWith("…")',
  not: 'write !(…)',
  contains: 'write event.name.contains("…")',
  startswith: 'write event.name.startsWith("…")',
  endswith: 'write event.name.endsWith("…")',
  lowerascii: 'write event.name.lowerAscii()',
  exists: 'write list.exists(item, item == "…")',
};

/** Functions that nobody who writes a condition has a use for. */
const INTERNAL = [LINEAR, STEPWISE, 'bytes', 'dyn', 'type', 'uint'];

interface Signature {
  readonly name: string;
  /** `string`, `list`; null for a function of none. */
  readonly receiver: string | null;
  readonly params: readonly string[];
}

/** What CEL's own functions take; those of timestamps, bytes and types, which no event has, are left out. */
const SIGNATURES: readonly Signature[] = environment
  .getDefinitions()
  .functions.map(({ name, receiverType, params }) => ({
    name,
    receiver: receiverType === null ? null : kindOf(receiverType),
    params: params.map(({ type }) => type),
  }))
  .filter(({ params }) => !params.some((type) => type === 'bytes' || type === 'type'))
  .filter(({ name, receiver }) => !INTERNAL.includes(name) && (receiver === null || ['string', 'list', 'map', 'optional'].includes(receiver)));

/** A function that does not exist, or is given what it does not take. */
export function functionMistake(source: string, node: ASTNode): Mistake {
  if (node.op === 'call') return called(node.args[0], null, node.args[1], node.start);
  if (node.op !== 'rcall') return { what: 'this function does not exist', remedy: 'mend the CEL expression', offset: node.start };
  const [name, receiver, args] = node.args;
  return called(name, receiver, args, blanked(source).indexOf(name, receiver.end));
}

function called(name: string, receiver: ASTNode | null, args: readonly ASTNode[], offset: number): Mistake {
  const kind = receiver === null ? null : kindOf(typeOf(receiver));
  const known = SIGNATURES.filter((signature) => (kind === 'dyn' ? signature.receiver !== null : signature.receiver === kind));
  const named = known.filter((signature) => signature.name === name);
  if (named.length > 0 || (LOOPS.includes(name) && (kind === 'list' || kind === 'dyn'))) return wrongArguments(name, named, args, offset);

  const of = receiver === null || kind === 'dyn' ? 'there is' : `${inWords(typeOf(receiver))} has`;
  const what = `${of} no function "${name}"`;
  // One that differs in its capitals is a slip; one of another language is a habit.
  const slip = known.find((signature) => signature.name.toLowerCase() === name.toLowerCase());
  if (slip !== undefined) return { what, remedy: `did you mean "${slip.name}"?`, offset };
  const habit = HABITS[name.toLowerCase()];
  const first = receiver ?? args[0];
  if (habit !== undefined) return { what, remedy: habit.replaceAll('$', first === undefined ? 'event.name' : sourceOf(first)), offset };
  if (kind === '$event' || kind === '$event.cluster')
    return { what, remedy: `call it on one of its fields, such as ${first === undefined ? 'event' : sourceOf(first)}.name`, offset };
  return { what, remedy: suggest(name, [...new Set(known.map((signature) => signature.name))]), offset };
}

function wrongArguments(name: string, named: readonly Signature[], args: readonly ASTNode[], offset: number): Mistake {
  if (LOOPS.includes(name))
    return {
      what: `"${name}" is given ${counted(args.length)}`,
      remedy: `name the element, then say what of it: .${name}(item, item == "…")`,
      offset,
    };
  const lists = named.map(({ params }) => params);
  const given = args.map((arg) => inWords(typeOf(arg)));
  const wanted = [...new Set(lists.map((params) => (params.length === 0 ? 'nothing' : params.map(inWords).join(' and '))))].join(', or ');
  const fits = lists.some((params) => params.length === args.length);
  const what = `"${name}" takes ${wanted}, and is given ${fits ? given.join(' and ') : counted(args.length)}`;
  const wrong = fits ? args.find((arg, index) => !lists.some((params) => params[index] === typeOf(arg))) : undefined;
  const wantsText = wrong?.op === 'value' && lists.every((params) => params[args.indexOf(wrong)] === 'string');
  if (wrong !== undefined && wantsText) return { what, remedy: `put quotes around it: "${sourceOf(wrong)}"`, offset: wrong.start };
  return { what, remedy: `mend what stands in its brackets`, offset: wrong?.start ?? offset };
}

function counted(count: number): string {
  return count === 0 ? 'nothing' : count === 1 ? 'one argument' : `${count} arguments`;
}

function kindOf(type: string): string {
  return /^(list|map|optional)\b/.exec(type)?.[1] ?? type;
}
