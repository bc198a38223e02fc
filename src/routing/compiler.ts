import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import type { Compiler } from '../core/sink.js';
import { compileCel, type CompiledCel, firstLine, forgetUnusedCel } from './cel.js';
import { conditionMistake, isConstant, textMistake } from './cel-mistakes.js';
import { equalitiesOf, type Equality } from './equality.js';
import { liquidIn, splitInterpolated } from './interpolate.js';
import { compileLiquid, compileValue, forgetUnusedTemplates } from './liquid.js';

/** A condition of the routing table. */
export interface Condition {
  /** Throws where it cannot be evaluated for this event, or is not true or false. */
  readonly holds: (event: EventView) => boolean;
  /** What an event must have for the condition to be true, or to fail: all others it is false for. */
  readonly equalities: readonly Equality[];
  /** It is the same for every event. */
  readonly constant: boolean;
}

/** A compiler that can also compile the conditions of the routing table. */
export interface TableCompiler extends Compiler {
  readonly condition: (source: string, path: Problem['path']) => Condition;
}

/** Compiles every text of a configuration; mistakes go to `report`. What the configurations before it compiled is used again. */
export function createCompiler(report: Report): TableCompiler {
  forgetUnusedCel();
  forgetUnusedTemplates();
  const expression = (source: string, path: Problem['path'], offset = 0): ((event: EventView) => string | null) => {
    const compiled = compileCel(source, path, report, offset);
    if (compiled === null) return neverCalled;
    const mistake = textMistake(compiled.ast, compiled.type);
    if (mistake === null) return (event) => textOf(compiled.evaluate(event));
    report({ path, what: mistake.what, remedy: mistake.remedy, offset: offset + mistake.offset });
    return neverCalled;
  };

  return {
    expression: (source, path) => expression(source, path),

    interpolated(source, path, encode = (value) => value) {
      const liquid = liquidIn(source);
      if (liquid !== null) {
        report({ path, ...liquid });
        return { literalPrefix: source.slice(0, liquid.offset), computed: true, render: neverCalled };
      }
      const parts = splitInterpolated(source);
      if (typeof parts === 'number') {
        report({ path, what: 'this brace has no partner, or nothing in it', remedy: 'close it; "{{" and "}}" are literal braces', offset: parts });
        return { literalPrefix: source.slice(0, parts), computed: true, render: neverCalled };
      }
      const renders = parts.map((part) => {
        if ('literal' in part) return () => part.literal;
        const evaluate = expression(part.expression, path, part.offset);
        return (event: EventView) => encode(evaluate(event) ?? '');
      });
      const first = parts[0];
      return {
        literalPrefix: first !== undefined && 'literal' in first ? first.literal : '',
        computed: parts.some((part) => 'expression' in part),
        render: (event) => renders.map((render) => render(event)).join(''),
      };
    },

    template: (source, path, escape) => compileLiquid(source, path, escape, report) ?? neverCalled,

    value: (source, path) => compileValue(source, path, report) ?? neverCalled,

    condition(source, path) {
      const compiled = compileCel(source, path, report);
      if (compiled === null) return REFUSED;
      const mistake = conditionMistake(compiled.ast, compiled.type);
      if (mistake !== null) {
        report({ path, ...mistake });
        return REFUSED;
      }
      return conditionOf(compiled);
    },
  };
}

/** Conditions are pure: a reload takes over those that are unchanged. */
const conditions = new WeakMap<CompiledCel, Condition>();

function conditionOf(compiled: CompiledCel): Condition {
  const known = conditions.get(compiled);
  if (known !== undefined) return known;
  const holds = (event: EventView): boolean => {
    const result = evaluated(compiled.evaluate, event);
    if (typeof result !== 'boolean') throw new Error(`the condition gives a ${typeof result}, not true or false`);
    return result;
  };
  const condition = { holds, equalities: equalitiesOf(compiled.ast), constant: isConstant(compiled.ast) };
  conditions.set(compiled, condition);
  return condition;
}

function evaluated(evaluate: (event: EventView) => unknown, event: EventView): unknown {
  try {
    return evaluate(event);
  } catch (error) {
    throw new Error(firstLine(error), { cause: error });
  }
}

function textOf(result: unknown): string | null {
  if (result === null || result === undefined || result === '') return null;
  if (typeof result === 'string' || typeof result === 'number' || typeof result === 'bigint' || typeof result === 'boolean') return String(result);
  throw new Error('the expression gives a list or a mapping, not a text');
}

/** Stands where a mistake was reported: the configuration is refused before anything calls it. */
function neverCalled(): never {
  throw new Error('this text did not compile');
}

const REFUSED: Condition = { holds: neverCalled, equalities: [], constant: false };
