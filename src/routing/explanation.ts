import type { EventView } from '../core/event.js';
import { compileCel, parseCel } from './cel.js';
import { conjunctsOf, selectionsIn, sourceOf } from './cel-tree.js';
import type { MatchKey, Test } from './match.js';

/** What an event had at the fields a condition looked at: `{ 'event.cluster.name': 'dev-1' }`. Null: the sender does not say. */
export type Saw = Readonly<Record<string, unknown>>;

/** Stands in `Saw` for what is not in `data` or `body`. */
export const MISSING = '(missing)';

/** What one row made of one event. */
export interface RowExplained {
  readonly row: string;
  readonly to: readonly string[];
  readonly verdict: RowVerdict;
}

/** Why a row applies or does not. `wanted` is the patterns of the first key that failed, or the text of the first part of `where` that is false. */
export type RowVerdict =
  | { readonly kind: 'matched'; readonly stops: boolean }
  | { readonly kind: 'failed'; readonly at: MatchKey | 'where'; readonly wanted: string; readonly saw: Saw }
  /** A condition that could not be evaluated: a dead letter keeps the event. `detail` is what that says. */
  | { readonly kind: 'error'; readonly wanted: string; readonly detail: string; readonly saw: Saw }
  /** The row named `behind` matched and stops. */
  | { readonly kind: 'skipped'; readonly behind: string };

/** What a key of `match` that failed wanted, and saw. */
export function explainTest({ at, patterns }: Test, event: EventView): RowVerdict {
  const { cluster } = event;
  const saw = at === 'cluster' ? { 'event.cluster.name': cluster.name, 'event.cluster.id': cluster.id } : { [`event.${at}`]: event[at] };
  return { kind: 'failed', at, wanted: patterns.join(', '), saw };
}

/** A part of a condition that must hold by itself, with the fields it looks at. */
interface Conjunct {
  readonly text: string;
  readonly fields: readonly (readonly string[])[];
  readonly evaluate: (event: EventView) => unknown;
}

/** Takes a condition apart at its `&&`, so that the part that failed can be named. Compiles: for people who ask, not for every event. */
export function explainCondition(source: string): (event: EventView, outcome: false | { readonly detail: string }) => RowVerdict {
  const conjuncts = conjunctsOf(parseCel(source)).map((node): Conjunct => {
    const text = sourceOf(node);
    return { text, fields: selectionsIn(node), evaluate: compileCel(text, [], () => undefined)?.evaluate ?? (() => undefined) };
  });
  const whole: Conjunct = { text: source.trim(), fields: conjuncts.flatMap(({ fields }) => fields), evaluate: () => undefined };

  return (event, outcome) => {
    const made = conjuncts.map((conjunct) => ({ conjunct, result: resultOf(conjunct, event) }));
    if (outcome === false) {
      const { text, fields } = made.find(({ result }) => result === false)?.conjunct ?? whole;
      return { kind: 'failed', at: 'where', wanted: text, saw: seen(fields, event) };
    }
    // CEL tries the parts behind one that failed, and may tell the error of a later one.
    const broken = made.filter(({ result }) => typeof result !== 'boolean');
    const { text, fields } = (broken.find(({ result }) => result === outcome.detail) ?? broken[0])?.conjunct ?? whole;
    return { kind: 'error', wanted: text, detail: outcome.detail, saw: seen(fields, event) };
  };
}

/** What a part gives; a text: why it gives nothing. */
function resultOf({ evaluate }: Conjunct, event: EventView): boolean | string {
  try {
    const result = evaluate(event);
    return typeof result === 'boolean' ? result : `a ${typeof result}`;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

function seen(fields: readonly (readonly string[])[], event: EventView): Saw {
  return Object.fromEntries(fields.map((names) => [['event', ...names].join('.'), valueAt(event, names)]));
}

function valueAt(event: EventView, names: readonly string[]): unknown {
  let at: unknown = event;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return MISSING;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}
