import type { ASTNode } from '@marcbachmann/cel-js';
import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import { celView, environment, withMeans } from './cel-environment.js';
import { celBlunder, celMistake } from './cel-mistakes.js';
import type { Mistake } from './mistake.js';
import { rewrite } from './cel-rewrite.js';
import { createGenerations } from './generations.js';

/** A longer condition belongs into a program of its own. */
const SOURCE_CHARS_MAX = 4_000;

/** Expressions that are kept for the next load; the largest tables have some 10,000 rows. */
const KEPT_MAX = 50_000;

/** Evaluates for one event. Throws where that cannot be done. */
export type Evaluate = (event: EventView) => unknown;

/** An expression that is right. `type` is what CEL's checker makes of it. */
export interface CompiledCel {
  readonly evaluate: Evaluate;
  readonly type: string;
  readonly ast: ASTNode;
}

/** Compiled expressions by their text: they are pure, and a reload finds most of them unchanged. */
const kept = createGenerations<CompiledCel>(KEPT_MAX);

/** Tells that a configuration is read from here on: what neither it nor the one before uses is forgotten. */
export function forgetUnusedCel(): void {
  kept.turn();
}

/** Compiles one expression; null, and a report, where it is wrong. */
export function compileCel(source: string, path: Problem['path'], report: Report, offset = 0): CompiledCel | null {
  const known = kept.get(source);
  if (known !== undefined) return known;
  if (source.length > SOURCE_CHARS_MAX) {
    report({ path, what: `the expression is longer than ${SOURCE_CHARS_MAX} characters`, remedy: 'shorten it' });
    return null;
  }
  const compiled = compile(source);
  if ('what' in compiled) {
    report({ path, what: compiled.what, remedy: compiled.remedy, offset: offset + compiled.offset });
    return null;
  }
  kept.set(source, compiled);
  return compiled;
}

function compile(source: string): CompiledCel | Mistake {
  try {
    const checked = environment.parse(source);
    const types = checked.check();
    if (!types.valid) return celMistake(source, types.error);
    const blunder = source.includes('severity') ? celBlunder(checked.ast) : null;
    if (blunder !== null) return blunder;
    const { text, ...means } = rewrite(source, checked.ast);
    const run = text === source ? checked : environment.parse(text);
    const evaluate = (event: EventView): unknown => withMeans(means, (): unknown => run({ event: celView(event) }));
    return { evaluate, type: types.type ?? 'dyn', ast: checked.ast };
  } catch (error) {
    return celMistake(source, error);
  }
}

/** The syntax tree of an expression that compiled. */
export function parseCel(source: string): ASTNode {
  return kept.get(source)?.ast ?? environment.parse(source).ast;
}

/** The first line of CEL's own words; the lines below it draw the place, which the problem's position already says. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
