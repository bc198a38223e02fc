import { DEAD } from '../core/delivery.js';
import type { EventView } from '../core/event.js';
import type { Report } from '../core/problem.js';
import type { Owed } from '../core/store.js';
import type { TableCompiler } from './compiler.js';
import { explainCondition, explainTest, type RowExplained, type RowVerdict } from './explanation.js';
import { testsOf, type Match } from './match.js';
import { indexRows, type Indexed } from './row-index.js';
import { warnConstant, warnContradiction, warnForeignPatterns, warnTwice } from './suspicious.js';
import { warnUnreachable } from './unreachable.js';

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
  /** What each row makes of the event, in order: agrees with `route`, says why, and costs a compilation for each condition that is looked into. */
  readonly explain: (event: EventView) => readonly RowExplained[];
}

/** The route of what no row matched: no row may have this name. */
export const OTHERWISE = 'otherwise';

interface CompiledRow extends Indexed {
  readonly row: RouteRow;
  readonly where: ((event: EventView) => boolean) | null;
  readonly constant: boolean;
}

const UNROUTED: Owed = {
  state: 'dead',
  route: null,
  sink: null,
  reason: DEAD.unrouted,
  detail: 'no row of the routing table matched, and there is no `otherwise`',
};

/** Compiles the table once. Rows are tried in order, those that cannot match left out. */
export function buildTable(rows: readonly RouteRow[], otherwise: readonly string[] | null, compiler: TableCompiler, warn: Report): RoutingTable {
  const compiled = rows.map((row, index) => compileRow(row, index, compiler));
  warnUnreachable(rows, otherwise, warn);
  warnTwice(rows, warn);
  compiled.forEach(({ row, equalities, constant }, index) => {
    warnForeignPatterns(row, index, warn);
    warnContradiction(row, index, equalities, warn);
    if (constant) warnConstant(row, index, warn);
  });
  const candidates = indexRows(compiled);
  const rest: readonly Owed[] = otherwise === null ? [UNROUTED] : otherwise.map((sink) => ({ state: 'waiting', route: OTHERWISE, sink }));

  return {
    route(event) {
      const owes: Owed[] = [];
      const matched: string[] = [];
      const next = candidates(event);
      for (let compiledRow = next(); compiledRow !== undefined; compiledRow = next()) {
        const { row, tests, where } = compiledRow;
        if (!tests.every(({ holds }) => holds(event))) continue;
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
    explain: (event) => explainRows(compiled, event),
  };
}

function explainRows(rows: readonly CompiledRow[], event: EventView): RowExplained[] {
  let behind: string | null = null;
  return rows.map((compiled) => {
    const { name, to } = compiled.row;
    const verdict: RowVerdict = behind === null ? explainRow(compiled, event) : { kind: 'skipped', behind };
    if (verdict.kind === 'matched' && verdict.stops) behind = name;
    return { row: name, to, verdict };
  });
}

/** Of each row whose condition somebody asked about: compiled once. */
const explanations = new WeakMap<CompiledRow, ReturnType<typeof explainCondition>>();

function explainRow(compiled: CompiledRow, event: EventView): RowVerdict {
  const { row, tests, where } = compiled;
  const failed = tests.find(({ holds }) => !holds(event));
  if (failed !== undefined) return explainTest(failed, event);
  const verdict = where === null || decide(where, event);
  if (verdict === true) return { kind: 'matched', stops: row.stop };
  const explain = explanations.get(compiled) ?? explainCondition(row.where ?? '');
  explanations.set(compiled, explain);
  return explain(event, verdict === false ? false : { detail: verdict });
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
  const condition = row.where === undefined ? null : compiler.condition(row.where, ['routes', index, 'where']);
  return {
    row,
    tests: testsOf(row.match),
    where: condition?.holds ?? null,
    equalities: condition?.equalities ?? [],
    constant: condition?.constant ?? false,
  };
}
