import type { ASTNode } from '@marcbachmann/cel-js';
import { environment } from './cel-environment.js';
import { PatternError } from './cel-rewrite.js';
import { syntaxMistake } from './cel-syntax.js';
import { childrenOf, selectionOf, walk } from './cel-tree.js';
import { bareType, notBoolean, typeMistake } from './cel-types.js';
import { inWords, typeOf } from './cel-words.js';
import type { Mistake } from './mistake.js';

/** cel-js's errors, of which its declarations say less. */
interface CelFault {
  readonly code: string;
  readonly message: string;
  readonly range?: { readonly start: number };
  readonly node?: unknown;
}

/** What is wrong with an expression that does not compile. */
export function celMistake(source: string, error: unknown): Mistake {
  if (error instanceof PatternError) return patternMistake(error);
  if (!isFault(error)) return { what: error instanceof Error ? error.message : String(error), remedy: 'mend the CEL expression', offset: 0 };
  const message = error.message.split('\n')[0] ?? '';
  const { code, node } = error;
  if (error.name === 'ParseError') return syntaxMistake(source, { code, message, offset: error.range?.start ?? 0 });
  if (isNode(node)) return typeMistake(source, environment.parse(source).ast, { code, message, node });
  return { what: message, remedy: 'mend the CEL expression', offset: error.range?.start ?? 0 };
}

/** What is wrong with an expression that compiles, and can never do what it is written for. */
export function celBlunder(root: ASTNode): Mistake | null {
  let found: Mistake | null = null;
  walk(root, (node) => {
    if (found !== null) return;
    if (node.op === '<' || node.op === '<=' || node.op === '>' || node.op === '>=') {
      if (!node.args.some((side) => selectionOf(side)?.join('.') === 'severity')) return;
      found = {
        what: `"${node.op}" compares severities by their letters`,
        remedy: 'name them: event.severity in ["critical", "error"]',
        offset: node.start,
      };
      return;
    }
    if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return;
    const [left, right] = node.args;
    const sides = [left, ...(node.op === 'in' ? childrenOf(right) : [right])];
    if (!sides.some((side) => selectionOf(side)?.join('.') === 'severity')) return;
    for (const { op, args, start } of sides) {
      if (op !== 'value' || typeof args !== 'string' || args === args.toLowerCase()) continue;
      found = { what: `severities are in lower case here, and none equals "${args}"`, remedy: `write "${args.toLowerCase()}"`, offset: start };
      return;
    }
  });
  return found;
}

/** What is wrong with a condition of this type; null where it may be true or false. */
export function conditionMistake(root: ASTNode, type: string): Mistake | null {
  return type === 'bool' || type === 'dyn' ? null : notBoolean(root);
}

/** What is wrong with an expression of this type where a text is wanted: a key, a topic, a part of a URL. */
export function textMistake(root: ASTNode, type: string): Mistake | null {
  if (['string', 'int', 'uint', 'double', 'bool', 'dyn', 'null', 'null_type'].includes(type)) return null;
  const bare = bareType(root);
  if (bare !== null) return bare;
  const remedy = type.startsWith('optional')
    ? 'put .orValue("") behind it'
    : type.startsWith('list')
      ? 'choose an element, [0], or join them: .join(",")'
      : 'choose one of its fields';
  return { what: `the expression gives ${inWords(typeOf(root) === 'dyn' ? type : typeOf(root))}, not a text`, remedy, offset: root.start };
}

/** Does the expression give the same for every event? */
export function isConstant(root: ASTNode): boolean {
  let constant = true;
  walk(root, (node) => {
    if (node.op === 'id' && node.args === 'event') constant = false;
  });
  return constant;
}

/** By the words of RE2's errors. */
const PATTERN_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/missing closing \)/, 'add ")", or write \\\\( for a bracket in the text'],
  [/unexpected \)/, 'delete it, or write \\\\) for a bracket in the text'],
  [/missing closing \]/, 'add "]", or write \\\\[ for a bracket in the text'],
  [/missing argument to repetition/, 'write .* for any text'],
  [/invalid nested repetition/, 'repeat once: * or +'],
  [/Perl syntax/, 'there is no looking ahead or back: write a second condition with matches'],
];

function patternMistake({ why, range }: PatternError): Mistake {
  const detail = why.replace(/^error parsing regexp: /, '');
  const remedy = PATTERN_REMEDIES.find(([words]) => words.test(why))?.[1] ?? 'mend it: it is in the syntax of RE2';
  return { what: `the regular expression is wrong: ${detail}`, remedy, offset: range.start };
}

function isFault(error: unknown): error is CelFault & Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function isNode(node: unknown): node is ASTNode {
  return typeof node === 'object' && node !== null && 'op' in node;
}
