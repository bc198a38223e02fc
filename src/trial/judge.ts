import type { RoutingTest } from '../config/tests.js';
import { DEAD } from '../core/delivery.js';
import type { RowExplained, RowVerdict } from '../routing/explanation.js';
import type { TriedDelivery, TriedRouting } from './deliveries.js';
import { differencesOf } from './difference.js';
import type { Unreadable } from './event.js';
import { wordsOf } from './words.js';

/** One thing that is not as expected: where in the test, what, and lines that say how it came about. */
export interface Failure {
  /** `expect.messages.ops.text` */
  readonly path: string;
  readonly what: string;
  readonly lines: readonly string[];
}

type Expected = RoutingTest['expect'];

/** What a test must say of a body that cannot be read. */
export function unreadableFailures(expected: Expected, { reason, detail }: Unreadable): Failure[] {
  const told = `no event can be made of the body: ${detail} (${reason})`;
  if (expected.reason !== reason) return [{ path: 'expect', what: told, lines: [] }];
  const wanted = [...(expected.to ?? []), ...(expected.rows ?? []), ...Object.keys(expected.messages ?? {})];
  return wanted.length === 0 ? [] : [{ path: 'expect', what: `nothing matches where ${told}`, lines: [] }];
}

/** Everything that is not as expected. `explain` is asked only where a failure needs words. */
export function failuresOf(expected: Expected, routing: TriedRouting, explain: () => readonly RowExplained[]): Failure[] {
  return [
    ...deadFailures(expected, routing, explain),
    ...sinkFailures(expected, routing, explain),
    ...rowFailures(expected, routing, explain),
    ...forbiddenFailures(expected, routing),
    ...Object.entries(expected.messages ?? {}).flatMap(([sink, parts]) => messageFailures(sink, parts, routing)),
  ];
}

/** A dead letter that nobody expects is a failure, whatever else is right: that no row matched is what `to: []` says. */
function deadFailures(expected: Expected, { deliveries }: TriedRouting, explain: () => readonly RowExplained[]): Failure[] {
  const failures = deliveries.flatMap((delivery): Failure[] => {
    if (delivery.kind === 'message') return refusedFailures(expected, delivery);
    const { route, sink, reason, detail } = delivery;
    if (reason === expected.reason || reason === DEAD.unrouted) return [];
    const who = [route, sink].filter((name) => name !== null).join(' → ');
    return [{ path: 'expect', what: `${who}: ${reason}: ${detail}`, lines: rowLines(explain, ({ row }) => row === route && sink === null) }];
  });
  if (expected.reason === undefined || deliveries.some((one) => one.kind === 'dead' && one.reason === expected.reason)) return failures;
  return [
    ...failures,
    { path: 'expect.reason', what: `expected a dead letter \`${expected.reason}\`, and there is ${owedWords(deliveries)}`, lines: [] },
  ];
}

/** A message that its sink would refuse to send: fine where the test expects just that. */
function refusedFailures({ messages }: Expected, { route, sink, message }: Extract<TriedDelivery, { kind: 'message' }>): Failure[] {
  const { refused } = message;
  if (typeof refused !== 'string' || messages?.[sink]?.['refused'] !== undefined) return [];
  return [{ path: 'expect', what: `${route} → ${sink}: it would not be sent: ${refused}`, lines: [] }];
}

function sinkFailures({ to }: Expected, { deliveries }: TriedRouting, explain: () => readonly RowExplained[]): Failure[] {
  if (to === undefined) return [];
  const owed = deliveries.flatMap(({ sink }) => sink ?? []);
  const [missing, extra] = [without(to, owed), without(owed, to)];
  if (missing.length === 0 && extra.length === 0) return [];
  const why = [
    ...rowLines(explain, ({ to: targets, verdict }) => verdict.kind !== 'matched' && targets.some((sink) => missing.includes(sink))),
    ...deliveries
      .filter(({ sink }) => sink !== null && extra.includes(sink))
      .map(({ route, sink }) => `${sink ?? ''}: owed by the row ${route ?? ''}`),
  ];
  return [{ path: 'expect.to', what: `expected ${list(to)}, and it is owed to ${list(owed)}`, lines: why }];
}

function rowFailures({ rows }: Expected, { rows: matched }: TriedRouting, explain: () => readonly RowExplained[]): Failure[] {
  if (rows === undefined) return [];
  const [missing, extra] = [without(rows, matched), without(matched, rows)];
  if (missing.length === 0 && extra.length === 0) return [];
  const why = rowLines(explain, ({ row }) => missing.includes(row) || extra.includes(row));
  return [{ path: 'expect.rows', what: `expected the rows ${list(rows)}, and ${list(matched)} matched`, lines: why }];
}

function forbiddenFailures({ not }: Expected, { rows, deliveries }: TriedRouting): Failure[] {
  const failure = (path: string, what: string): Failure => ({ path, what, lines: [] });
  return [
    ...(not?.to ?? []).flatMap((sink) => {
      const owed = deliveries.find((one) => one.sink === sink);
      return owed === undefined ? [] : [failure('expect.not.to', `it must not go to ${sink}, and the row ${owed.route ?? ''} sends it there`)];
    }),
    ...(not?.rows ?? []).filter((row) => rows.includes(row)).map((row) => failure('expect.not.rows', `the row ${row} must not match, and it does`)),
  ];
}

/** Where several rows send to one sink, one of the messages must be as expected. */
function messageFailures(sink: string, parts: object, { deliveries }: TriedRouting): Failure[] {
  const path = `expect.messages.${sink}`;
  const messages = deliveries.filter((one) => one.kind === 'message' && one.sink === sink).map((one) => (one.kind === 'message' ? one.message : {}));
  const compared = messages.map((message) => differencesOf(parts, message));
  const nearest = compared.toSorted((a, b) => a.length - b.length)[0];
  if (nearest === undefined) return [{ path, what: `there is no message to ${sink}`, lines: [] }];
  return nearest.map(({ path: at, lines }) => ({ path: `${path}.${at}`, what: 'the message differs', lines }));
}

/** Rows told in a failure: with thousands of them, the first ones say enough. */
const ROWS_MAX = 10;

function rowLines(explain: () => readonly RowExplained[], concerns: (row: RowExplained) => boolean): string[] {
  const concerned = explain()
    .filter(concerns)
    .toSorted((a, b) => nearness(b.verdict) - nearness(a.verdict));
  const told = concerned.slice(0, ROWS_MAX).map(({ row, verdict }) => `row ${row}: ${wordsOf(verdict)}`);
  return concerned.length > ROWS_MAX ? [...told, `… and ${concerned.length - ROWS_MAX} more rows`] : told;
}

/** A row is the likelier to be meant the further it got: it fails by the first condition that is not so. */
function nearness(verdict: RowVerdict): number {
  return verdict.kind === 'failed' ? CONDITIONS.indexOf(verdict.at) : CONDITIONS.length;
}

const CONDITIONS: readonly string[] = ['source', 'type', 'severity', 'name', 'cluster', 'where'];

/** What is in `all` and not in `others`, one for one. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((name) => {
    const at = left.indexOf(name);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : `[${names.join(', ')}]`;
}

function owedWords(deliveries: readonly TriedDelivery[]): string {
  const dead = deliveries.flatMap((one) => (one.kind === 'dead' ? [one.reason] : []));
  return dead.length === 0 ? 'none' : list(dead);
}
