import type { EventView } from '../core/event.js';
import type { Equality } from './equality.js';
import { isGlob } from './glob.js';
import { patternsOf, valuesOf, type Test } from './match.js';

/** What of a row can be looked up: its `match`, and what its condition asks for sure. */
export interface Indexed {
  readonly tests: readonly Test[];
  readonly equalities: readonly Equality[];
}

/** Rows that have one of these texts in this field, or do not match. */
interface Key {
  /** `match.type`, or `where.cluster.name`. */
  readonly field: string;
  readonly values: readonly string[];
}

/**
 * Finds the rows that an event may match, in their order, without looking at the others: each row that asks for literal texts
 * is filed under the field that the fewest other rows share. So thousands of them cost an event nothing.
 */
export function indexRows<Row extends Indexed>(rows: readonly Row[]): (event: EventView) => Candidates<Row> {
  const keys = rows.map(keysOf);
  const shared = new Map<string, number>();
  for (const key of keys.flat()) for (const value of key.values) shared.set(entry(key, value), (shared.get(entry(key, value)) ?? 0) + 1);
  const weight = (key: Key): number => key.values.reduce((sum, value) => sum + (shared.get(entry(key, value)) ?? 0), 0);

  const others: number[] = [];
  const fields = new Map<string, Map<string, number[]>>();
  keys.forEach((candidates, index) => {
    const [first, ...rest] = candidates;
    if (first === undefined) return void others.push(index);
    const best = rest.reduce((best, key) => (weight(key) < weight(best) ? key : best), first);
    const byValue = fields.get(best.field) ?? new Map<string, number[]>();
    fields.set(best.field, byValue);
    for (const value of best.values) {
      const list = byValue.get(value);
      if (list === undefined) byValue.set(value, [index]);
      else list.push(index);
    }
  });

  const lookups = [...fields].map(([field, byValue]) => ({ texts: textsOf(field), byValue }));
  return (event) => {
    const lists = others.length > 0 ? [others] : [];
    for (const { texts, byValue } of lookups) {
      for (const text of texts(event)) {
        const list = text === null ? undefined : byValue.get(text);
        if (list !== undefined) lists.push(list);
      }
    }
    return inOrder(rows, lists);
  };
}

/** Gives one row after the other; undefined at the end. */
export type Candidates<Row> = () => Row | undefined;

/** The rows of some lists, each in its order, in the order of all; one that is in two lists comes once. */
function inOrder<Row>(rows: readonly Row[], lists: readonly (readonly number[])[]): Candidates<Row> {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) {
    let at = 0;
    return () => rows[only[at++] ?? Infinity];
  }
  const at = lists.map(() => 0);
  return () => {
    let next = Infinity;
    for (let list = 0; list < lists.length; list++) next = Math.min(next, lists[list]?.[at[list] ?? 0] ?? Infinity);
    for (let list = 0; list < lists.length; list++) if (lists[list]?.[at[list] ?? 0] === next) at[list] = (at[list] ?? 0) + 1;
    return rows[next];
  };
}

function keysOf({ tests, equalities }: Indexed): Key[] {
  const literal = tests.filter(({ patterns }) => !patterns.some(isGlob));
  return [
    ...literal.map(({ at, patterns }) => ({ field: `match.${at}`, values: [...new Set(patternsOf(at, patterns))] })),
    ...equalities.map(({ field, values }) => ({ field: `where.${field}`, values: [...new Set(values)] })),
  ];
}

function entry({ field }: Key, value: string): string {
  return `${field}\0${value}`;
}

/** How a field is read: `match` does not match what an event does not have, CEL reads it as ''. */
function textsOf(field: string): (event: EventView) => readonly (string | null)[] {
  switch (field) {
    case 'match.source':
    case 'match.type':
    case 'match.severity':
    case 'match.name':
    case 'match.cluster': {
      const key = field.slice('match.'.length) as Test['at'];
      return (event) => valuesOf(key, event);
    }
    case 'where.cluster.id':
      return (event) => [event.cluster.id ?? ''];
    case 'where.cluster.name':
      return (event) => [event.cluster.name ?? ''];
    default: {
      const key = field.slice('where.'.length) as 'id' | 'source' | 'type' | 'severity' | 'name' | 'message' | 'time' | 'receivedAt';
      return (event) => [event[key] ?? ''];
    }
  }
}
