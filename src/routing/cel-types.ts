import type { ASTNode } from '@marcbachmann/cel-js';
import { suggest } from '../core/suggest.js';
import { OPTIONAL } from './cel-environment.js';
import { functionMistake } from './cel-functions.js';
import { inWords, typeOf } from './cel-words.js';
import { childrenOf, selectionOf, sourceOf, walk } from './cel-tree.js';
import { FIELD_PATHS, pathLike, type Mistake } from './mistake.js';

/** What cel-js's checker says, and of what. */
export interface TypeFault {
  readonly code: string;
  readonly message: string;
  readonly node: ASTNode;
}

/** What an expression that can be parsed gets wrong, in plain words. */
export function typeMistake(source: string, root: ASTNode, fault: TypeFault): Mistake {
  const { node } = fault;
  const offset = node.start;
  const bare = bareType(node);
  if (bare !== null) return bare;
  switch (fault.code) {
    case 'unknown_variable':
      return variableMistake(node.op === 'id' ? node.args : '', node, root);
    case 'no_such_key':
      return keyMistake(source, node);
    case 'cannot_index_type':
      return memberMistake(node);
    case 'no_matching_overload':
      return functionMistake(source, node);
    case 'no_such_overload':
      return operatorMistake(node);
    case 'invalid_logical_operand':
      return operandMistake(node);
    case 'invalid_condition_type':
      return notBoolean(node);
    case 'invalid_macro_argument':
      return { what: 'has() takes one field, by its name', remedy: 'write has(event.data.owner)', offset };
    case 'heterogeneous_list_element':
    case 'heterogeneous_map_key':
    case 'heterogeneous_map_value':
      return { what: `${inWords(typeOf(node))} stands among values of another kind`, remedy: 'make all of them texts, or all numbers', offset };
    case 'incompatible_ternary_branches': {
      const [, yes, no] = childrenOf(node).map(typeOf).map(inWords);
      return { what: `the two sides of ":" are ${yes ?? ''} and ${no ?? ''}`, remedy: 'make them the same: string(…) makes a text', offset };
    }
    case 'invalid_comprehension_range':
      return { what: `\`${sourceOf(node)}\` is ${inWords(typeOf(node))}, not a list`, remedy: 'use this function on a list', offset };
    case 'invalid_index_type':
      return {
        what: `the index in \`${sourceOf(node)}\` has the wrong kind`,
        remedy: 'lists are counted from 0: [0]; mappings take texts: ["name"]',
        offset,
      };
    case 'optional_expected':
      return { what: `\`${sourceOf(node)}\` is always there`, remedy: 'write .?name for what may be missing', offset };
    default:
      return { what: plain(fault.message), remedy: 'mend the CEL expression', offset };
  }
}

/** CEL knows `type` as a kind of values: whoever writes it means the event's. */
export function bareType(node: ASTNode): Mistake | null {
  let found: Mistake | null = null;
  walk(node, (below) => {
    if (below.op === 'id' && below.args === 'type' && typeOf(below) === 'type') found ??= variableMistake('type', below, below);
  });
  return found;
}

function plain(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Words of other languages. */
const CONSTANTS: Readonly<Record<string, string>> = { none: 'null', nil: 'null', undefined: 'null', null: 'null', true: 'true', false: 'false' };

const LOOPS = ['exists', 'all', 'exists_one', 'filter', 'map'];

function variableMistake(name: string, node: ASTNode, root: ASTNode): Mistake {
  const offset = node.start;
  const what = `there is no variable "${name}"`;
  const constant = CONSTANTS[name.toLowerCase()];
  if (constant !== undefined) return { what, remedy: `write ${constant}`, offset };
  const loop = loopAround(root, offset);
  if (loop !== null) return { what, remedy: `name the element first: .${loop}(${name}, …)`, offset };
  const path = pathLike(name);
  if (path !== null) return { what, remedy: `did you mean "${path}"?`, offset };
  const remedy = suggest(name, ['event']);
  return { what, remedy: remedy.startsWith('did') ? remedy : `all fields are below event; a text stands in quotes: "${name}"`, offset };
}

/** `list.exists(x == 1)` is no macro: it has too few arguments, and so the name of the element is unknown. */
function loopAround(root: ASTNode, offset: number): string | null {
  let found: string | null = null;
  walk(root, (node) => {
    if (node.op === 'rcall' && LOOPS.includes(node.args[0]) && node.args[2].length === 1 && node.args[1].end <= offset && offset < node.end)
      found = node.args[0];
  });
  return found;
}

function keyMistake(source: string, node: ASTNode): Mistake {
  if (node.op !== '.' && node.op !== '[]' && node.op !== '.?' && node.op !== '[?]')
    return { what: 'there is no such field', remedy: 'mend it', offset: node.start };
  const [base, index] = node.args;
  const key = typeof index === 'string' ? index : index.op === 'value' && typeof index.args === 'string' ? index.args : sourceOf(index);
  const offset = typeof index === 'string' ? node.pos : index.start;
  const parent = ['event', ...(selectionOf(base) ?? [])].join('.');
  const what = parent === 'event' ? `an event has no "${key}"` : `"${parent}" has no "${key}"`;
  const path = pathLike(`${parent}.${key}`);
  if (path !== null) return { what, remedy: `did you mean "${path}"?`, offset };
  const known = FIELD_PATHS.filter((field) => field.startsWith(`${parent}.`) && field.split('.').length === parent.split('.').length + 1);
  const remedy = suggest(`${parent}.${key}`, known);
  if (remedy.startsWith('did') || parent !== 'event') return { what, remedy, offset };
  // What the sender sent beside the fields that every event has.
  const below = source.startsWith('(', node.end) ? '' : `: event.data.${key}`;
  return { what, remedy: `what a sender sends of its own is below event.data${below}`, offset };
}

/** `.length` of a text. */
function memberMistake(node: ASTNode): Mistake {
  const base = childrenOf(node)[0];
  const name = node.op === '.' && typeof node.args[1] === 'string' ? node.args[1] : '';
  const what = `${inWords(base === undefined ? 'dyn' : typeOf(base))} has no field${name === '' ? 's' : ` "${name}"`}`;
  const written = base === undefined ? '' : sourceOf(base);
  const remedy =
    name === 'length' || name === 'size' ? `write ${written}.size()` : `write ${written} alone, or call a function: ${written}.contains("…")`;
  return { what, remedy, offset: node.pos };
}

const VERBS: Readonly<Record<string, string>> = {
  '+': 'added to',
  '-': 'subtracted from',
  '*': 'multiplied with',
  '/': 'divided by',
  '%': 'divided by',
};

function operatorMistake(node: ASTNode): Mistake {
  const [left, right] = childrenOf(node);
  if (left === undefined || right === undefined) return left === undefined || node.op === '-_' ? numberWanted(node) : notBoolean(left);
  const types = [typeOf(left), typeOf(right)];
  const [of, to] = types.map(inWords);
  const offset = node.start;
  const texts = [sourceOf(left), sourceOf(right)] as const;
  const optional = types.findIndex((type) => type.startsWith('optional'));
  if (optional !== -1)
    return {
      what: `\`${texts[optional] ?? ''}\` may be missing`,
      remedy: 'put .orValue("") behind it, in brackets if need be',
      offset: [left, right][optional]?.start ?? offset,
    };
  if (types.includes('null') || types.includes('null_type')) return nullMistake(node, types[0]?.startsWith('null') === true ? right : left);
  if (node.op === 'in') {
    const remedy = right.op === 'value' ? `write ${texts[0]} in [${texts[1]}]` : `write ${texts[1]}.contains(${texts[0]})`;
    return {
      what: `"in" looks into a list, and \`${texts[1]}\` is ${to ?? ''}`,
      remedy: types[1] === 'string' ? remedy : 'put a list behind "in"',
      offset: right.start,
    };
  }
  const verb = VERBS[node.op] ?? 'compared with';
  return { what: `${of ?? ''} is ${verb} ${to ?? ''}: \`${texts[0]} ${node.op} ${texts[1]}\``, remedy: operatorRemedy(node.op, left, right), offset };
}

function operatorRemedy(op: string, left: ASTNode, right: ASTNode): string {
  const types = [typeOf(left), typeOf(right)];
  if (types[1]?.startsWith('list') === true) return `write ${sourceOf(left)} in ${sourceOf(right)}`;
  if (types.includes('$event.cluster')) return 'compare event.cluster.name or event.cluster.id';
  if (types.includes('$event')) return 'compare one of its fields, such as event.type';
  const text = types[0] === 'string' ? left : right;
  const other = text === left ? right : left;
  if (op === '+') return `make a text of it: string(${sourceOf(other)})`;
  if (other.op === 'value' && (op === '==' || op === '!=')) return `put quotes around it: "${sourceOf(other)}"`;
  if (typeOf(text) === 'string') return `compare it with a text, or make a number of it: double(${sourceOf(text)})`;
  return 'make both sides the same kind';
}

function nullMistake(node: ASTNode, field: ASTNode): Mistake {
  const written = sourceOf(field);
  const path = selectionOf(field)?.join('.');
  const what = 'no field of an event is null in CEL: what the sender does not say is ""';
  if (path === undefined || !OPTIONAL.includes(path))
    return { what, remedy: `delete the comparison: \`${written}\` is always there`, offset: node.start };
  return { what, remedy: `write ${node.op === '==' ? '!' : ''}has(${written})`, offset: node.start };
}

function operandMistake(node: ASTNode): Mistake {
  const operand = childrenOf(node).find((side) => !['bool', 'dyn'].includes(typeOf(side)));
  return notBoolean(operand ?? node);
}

/** A text or a number where only true or false can stand. */
export function notBoolean(node: ASTNode): Mistake {
  const written = sourceOf(node);
  const type = typeOf(node);
  const asks = OPTIONAL.includes(selectionOf(node)?.join('.') ?? '') ? `, or ask whether it is there: has(${written})` : '';
  const example = type === 'string' ? '"…"' : type === 'int' || type === 'double' ? '1' : '…';
  const remedy = type.startsWith('optional') ? `write ${written}.orValue(false)` : `compare it: ${written} == ${example}${asks}`;
  return { what: `\`${written}\` is ${inWords(type)}, not true or false`, remedy, offset: node.start };
}

function numberWanted(node: ASTNode): Mistake {
  const [operand] = childrenOf(node);
  return {
    what: `"-" stands before ${inWords(operand === undefined ? 'dyn' : typeOf(operand))}`,
    remedy: 'put a number behind it',
    offset: node.start,
  };
}
