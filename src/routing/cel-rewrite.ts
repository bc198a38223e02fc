import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { LINEAR, OPTIONAL } from './cel-environment.js';
import { selectionOf, walk } from './cel-tree.js';

/** An expression with what this program means by `has` and `matches`, and its regular expressions. */
export interface Rewritten {
  readonly text: string;
  readonly patterns: ReadonlyMap<string, RE2JS>;
}

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
  walk(root, (node) => {
    const replacement = hasOf(node) ?? matchesOf(node, source, patterns);
    if (replacement !== null) found.push(replacement);
  });
  found.sort((a, b) => b.start - a.start);
  const text = found.reduce((text, { start, end, text: instead }) => text.slice(0, start) + instead + text.slice(end), source);
  return { text, patterns };
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
  // Between what is matched and the pattern stand only the name, brackets and comments; a comment may hold the name too.
  const { end } = node.args[1];
  const between = source.slice(end, pattern.start).replace(/\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length));
  const start = end + between.lastIndexOf('matches');
  return { start, end: start + 'matches'.length, text: LINEAR };
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
