import { DEAD } from '../core/delivery.js';
import type { EventView } from '../core/event.js';
import type { Report } from '../core/problem.js';
import type { Owed } from '../core/store.js';
import type { TableCompiler } from './compiler.js';
import { compileGlob, isGlob } from './glob.js';

/** One pattern, or a list: any of them. */
type Patterns = string | readonly string[];

/** What a row asks of an event; every key given must match. */
export interface Match {
  readonly source?: Patterns | undefined;
  readonly type?: Patterns | undefined;
  readonly severity?: Patterns | undefined;
  readonly name?: Patterns | undefined;
  readonly cluster?: Patterns | undefined;
}

/** A row of the routing table. */
export interface RouteRow {
  readonly name: string;
  readonly match?: Match | undefined;
  readonly where?: string | undefined;
  readonly to: readonly string[];
  readonly stop: boolean;
}

/** What the table makes of an event: at least one entry in `owes`. */
export interface Routing {
  readonly owes: readonly Owed[];
  /** Names of the rows that matched, in order. */
  readonly matched: readonly string[];
}

/** Pure: the same event gives the same answer. Never throws. */
export interface RoutingTable {
  readonly route: (event: EventView) => Routing;
}

/** The route of what no row matched: no row may have this name. */
export const OTHERWISE = 'otherwise';

interface CompiledRow {
  readonly row: RouteRow;
  readonly matches: (event: EventView) => boolean;
  readonly where: ((event: EventView) => boolean) | null;
}

const UNROUTED: Owed = {
  state: 'dead',
  route: null,
  sink: null,
  reason: DEAD.unrouted,
  detail: 'no row of the routing table matched, and there is no `otherwise`',
};

/** Compiles the table once. Rows are tried in order; those that ask for literal types are found by type, so that thousands of them cost an event nothing. */
export function buildTable(rows: readonly RouteRow[], otherwise: readonly string[] | null, compiler: TableCompiler, report: Report): RoutingTable {
  const compiled = rows.map((row, index) => compileRow(row, index, compiler));
  reportUnreachable(rows, report);
  const rowsFor = indexByType(compiled);
  const rest: readonly Owed[] = otherwise === null ? [UNROUTED] : otherwise.map((sink) => ({ state: 'waiting', route: OTHERWISE, sink }));

  return {
    route(event) {
      const owes: Owed[] = [];
      const matched: string[] = [];
      for (const { row, matches, where } of rowsFor(event.type)) {
        if (!matches(event)) continue;
        const verdict = where === null ? true : decide(where, event);
        if (typeof verdict === 'string') {
          owes.push({ state: 'dead', route: row.name, sink: null, reason: DEAD.routeError, detail: verdict });
          continue;
        }
        if (!verdict) continue;
        matched.push(row.name);
        for (const sink of row.to) owes.push({ state: 'waiting', route: row.name, sink });
        if (row.stop) break;
      }
      // A condition that could not be evaluated is not "no match": its dead letter keeps the event.
      return { owes: owes.length > 0 ? owes : rest, matched };
    },
  };
}

/** True, false, or why it cannot be said. */
function decide(where: (event: EventView) => boolean, event: EventView): boolean | string {
  try {
    return where(event);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compileRow(row: RouteRow, index: number, compiler: TableCompiler): CompiledRow {
  const { source, type, severity, name, cluster } = row.match ?? {};
  const tests = [
    test(source, (event) => [event.source]),
    test(type, (event) => [event.type]),
    test(lowerCase(severity), (event) => [event.severity?.toLowerCase() ?? null]),
    test(name, (event) => [event.name]),
    test(cluster, (event) => [event.cluster.name, event.cluster.id]),
  ].filter((one) => one !== null);
  return {
    row,
    matches: (event) => tests.every((one) => one(event)),
    where: row.where === undefined ? null : compiler.condition(row.where, ['routes', index, 'where']),
  };
}

/** Does every event match? */
export function catchesAll(row: Pick<RouteRow, 'match' | 'where'>): boolean {
  const { source, type, severity, name, cluster } = row.match ?? {};
  return row.where === undefined && [source, type, severity, name, cluster].every(takesAny);
}

/** A value the event does not have, too. */
function takesAny(patterns: Patterns | undefined): boolean {
  return listOf(patterns)?.includes('*') ?? true;
}

/** Null where every event passes. A value the event does not have matches nothing but `*`. */
function test(patterns: Patterns | undefined, values: (event: EventView) => readonly (string | null)[]): ((event: EventView) => boolean) | null {
  if (takesAny(patterns)) return null;
  const globs = listOf(patterns)?.map(compileGlob) ?? [];
  return (event) => values(event).some((value) => value !== null && globs.some((glob) => glob(value)));
}

function listOf(patterns: Patterns | undefined): readonly string[] | null {
  return patterns === undefined ? null : typeof patterns === 'string' ? [patterns] : patterns;
}

function lowerCase(patterns: Patterns | undefined): Patterns | undefined {
  return listOf(patterns)?.map((pattern) => pattern.toLowerCase());
}

/** For each literal type its rows and those that may match any, in their order; a type no row names gets the latter alone. */
function indexByType(rows: readonly CompiledRow[]): (type: string) => readonly CompiledRow[] {
  const anyType: CompiledRow[] = [];
  const byType = new Map<string, CompiledRow[]>();
  for (const row of rows) {
    const types = listOf(row.row.match?.type);
    if (types === null || types.some(isGlob)) {
      for (const list of [anyType, ...byType.values()]) list.push(row);
      continue;
    }
    for (const type of new Set(types)) {
      const list = byType.get(type) ?? [...anyType];
      list.push(row);
      byType.set(type, list);
    }
  }
  return (type) => byType.get(type) ?? anyType;
}

/** T06: a row below one that takes everything and stops looks as if it did something. */
function reportUnreachable(rows: readonly RouteRow[], report: Report): void {
  const wall = rows.findIndex((row) => row.stop && catchesAll(row));
  const hidden = wall === -1 ? undefined : rows[wall + 1];
  if (hidden !== undefined) {
    report({
      path: ['routes', wall + 1],
      what: `no event reaches the row "${hidden.name}": routes[${wall}] takes every event and stops`,
      remedy: 'move it up, or delete `stop`',
    });
  }
}
