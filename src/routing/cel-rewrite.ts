import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { LINEAR, OPTIONAL, STEPWISE, type Means } from './cel-environment.js';
import { selectionOf, walk } from './cel-tree.js';

/** An expression with what this program means by `has`, `matches` and loops, and what that needs. */
export interface Rewritten extends Means {
  readonly text: string;
}

/** What goes over the elements of a list. */
export const LOOPS = ['all', 'exists', 'exists_one', 'filter', 'map'];

/** A part of an expression, and what is put in its place. */
interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Throws, with the range, where a regular expression is wrong. */
export function rewrite(source: string, root: ASTNode): Rewritten {
  const patterns = new Map<string, RE2JS>();
  const found: Replacement[] = [];
  let loops = false;
  walk(root, (node) => {
    const loop = loopOf(node, source);
    loops ||= loop !== null;
    const replacement = hasOf(node) ?? matchesOf(node, source, patterns) ?? loop;
    if (replacement !== null) found.push(replacement);
  });
  found.sort((a, b) => b.start - a.start);
  const text = found.reduce((text, { start, end, text: instead }) => text.slice(0, start) + instead + text.slice(end), source);
  return { text, patterns, loops };
}

/** `has(event.cluster.name)` asks whether the sender gave it; since it reads as '' where it did not, the question becomes a comparison. */
function hasOf(node: ASTNode): Replacement | null {
  if (node.op !== 'call' || node.args[0] !== 'has') return null;
  const field = node.args[1][0] === undefined ? undefined : selectionOf(node.args[1][0])?.join('.');
  return field !== undefined && OPTIONAL.includes(field) ? { start: node.start, end: node.end, text: `(event.${field} != "")` } : null;
}

/** cel-js matches with JavaScript's regular expressions, which some texts keep busy for ever; CEL's own are RE2's, linear in the text. */
function matchesOf(node: ASTNode, source: string, patterns: Map<string, RE2JS>): Replacement | null {
  if (node.op !== 'rcall' || node.args[0] !== 'matches') return null;
  const pattern = node.args[2][0];
  if (pattern === undefined) return null;
  if (pattern.op === 'value' && typeof pattern.args === 'string') patterns.set(pattern.args, compilePattern(pattern.args, pattern));
  const start = nameOf('matches', node.args[1], pattern, source);
  return { start, end: start + 'matches'.length, text: LINEAR };
}

/** cel-js knows no end of a loop: what it goes over is what tells it. */
function loopOf(node: ASTNode, source: string): Replacement | null {
  if (node.op !== 'rcall' || !LOOPS.includes(node.args[0])) return null;
  const [name, receiver, [first]] = node.args;
  if (first === undefined) return null;
  const start = nameOf(name, receiver, first, source);
  return { start, end: start, text: `${STEPWISE}().` };
}

/** Where the name of a call stands: between what it is called on and its first argument, where else are only brackets and comments; a comment may hold the name too. */
function nameOf(name: string, receiver: ASTNode, first: ASTNode, source: string): number {
  const between = source.slice(receiver.end, first.start).replace(/\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length));
  return receiver.end + between.lastIndexOf(name);
}

/** A regular expression that is none: `why` in RE2's words. */
export class PatternError extends Error {
  constructor(
    readonly why: string,
    readonly range: { readonly start: number; readonly end: number },
  ) {
    super(why);
  }
}

function compilePattern(pattern: string, { start, end }: ASTNode): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new PatternError(error instanceof Error ? error.message : String(error), { start, end });
  }
}
