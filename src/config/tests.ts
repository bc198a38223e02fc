import type { EventHeaders } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import type { Building } from './checking/building.js';
import { isMapping } from './checking/shape.js';
import type { Finding } from './finding.js';
import { TestCase, type EventAttributes, type TestShape } from './schema/test-schema.js';

export type { EventAttributes } from './schema/test-schema.js';

/** A test of the routing table, checked: every name in it exists. */
export interface RoutingTest {
  readonly name: string;
  readonly source: string;
  readonly given:
    { readonly kind: 'body'; readonly body: Buffer; readonly headers: EventHeaders } | { readonly kind: 'event'; readonly event: EventAttributes };
  readonly receivedMs: number;
  readonly expect: TestShape['expect'];
  /** Where the test stands, and where what it expects does. */
  readonly at: Place;
  readonly expectAt: Place;
}

export type Place = Pick<Finding, 'file' | 'line' | 'column' | 'path'>;

/** What tests may name. */
export interface TestNames {
  readonly sources: readonly string[];
  readonly sinks: readonly string[];
  /** With `otherwise`, where there is one. */
  readonly rows: readonly string[];
}

interface BuildingTests extends Pick<Building, 'check' | 'report'> {
  readonly names: TestNames;
  readonly locate: (problem: Problem) => Finding;
}

/** Checks the list `tests:`; those with a mistake are reported and left out. */
export function buildTests(values: readonly unknown[], building: BuildingTests): RoutingTest[] {
  return values.flatMap((value, index) => buildTest(value, ['tests', index], building) ?? []);
}

function buildTest(value: unknown, at: Problem['path'], { check, report, names, locate }: BuildingTests): RoutingTest | null {
  const faults: Problem[] = [];
  const tell: Report = (problem) => {
    faults.push(problem);
    report(problem);
  };
  const shape = check(TestCase, writtenOut(value), at) as TestShape | null;
  if (shape === null) return null;
  const { name, given, expect } = shape;
  const source = given.source ?? (names.sources.length === 1 ? names.sources[0] : undefined);
  if (source === undefined)
    tell({
      path: [...at, 'given'],
      what: 'it names no source, and there are several',
      remedy: `add \`source:\`, one of ${names.sources.join(', ')}`,
    });
  else checkNames([source], names.sources, 'source', () => [...at, 'given', 'source'], tell);
  const what = givenOf(given, [...at, 'given'], givesNothing(value), tell);
  const receivedMs = timeOf(given.receivedAt);
  if (receivedMs === null) tell({ path: [...at, 'given', 'receivedAt'], what: 'this is no time', remedy: 'write it as in 2026-01-12T09:24:07Z' });
  if (expectsNothing(value)) tell({ path: [...at, 'expect'], what: 'it expects nothing', remedy: 'list the sinks it goes to; `[]`: none' });
  checkExpected(expect, [...at, 'expect'], isShort(value), names, tell);
  if (faults.length > 0 || source === undefined || what === null || receivedMs === null) return null;
  return { name, source, given: what, receivedMs, expect, at: placeOf(at, locate), expectAt: placeOf([...at, 'expect'], locate) };
}

/** Milliseconds of a time by RFC 3339; null where there is none such: JavaScript takes the 30th of February for the 2nd of March. */
function timeOf(text: string): number | null {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.exec(text) ?? [];
  const ms = Date.parse(text);
  return Number.isNaN(ms) || Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate() ? null : ms;
}

/** Was neither a `body` nor an `event` written? One that is wrong was told, and taken out: that it is missing would only follow from that. */
function givesNothing(value: unknown): boolean {
  const given = (value as Readonly<Record<string, unknown>> | null)?.['given'];
  return isMapping(given) && Object.keys(given).every((key) => ['source', 'headers', 'receivedAt'].includes(key));
}

/** A mapping of `expect` in which no part asks for anything: such a test cannot fail. */
function expectsNothing(value: unknown): boolean {
  const expect = (value as Readonly<Record<string, unknown>> | null)?.['expect'];
  if (!isMapping(expect)) return false;
  const { to, rows, reason, not, messages, ...unknown } = expect;
  return [to, rows, reason, ...Object.values(unknown)].every((part) => part === undefined) && isHollow(not) && isHollow(messages);
}

function isHollow(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.values(value).every(isHollow));
}

/** `expect: [ops]` is short for `expect: { to: [ops] }`. */
function writtenOut(value: unknown): unknown {
  return isShort(value) ? { ...value, expect: { to: value.expect } } : value;
}

function isShort(value: unknown): value is { readonly expect: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'expect' in value && Array.isArray(value.expect);
}

/** `isEmpty`: neither of the two was written. */
function givenOf(given: TestShape['given'], path: Problem['path'], isEmpty: boolean, tell: Report): RoutingTest['given'] | null {
  const { body, event, headers = {} } = given;
  const remedy = 'give the body that is posted, or the event as the table sees it';
  if (body !== undefined && event !== undefined) tell({ path, what: 'there are both a `body` and an `event`', remedy });
  if (isEmpty) tell({ path, what: 'there is neither a `body` nor an `event`', remedy });
  if (body === undefined && event === undefined) return null;
  if (event !== undefined) return { kind: 'event', event };
  const lower = Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]);
  return {
    kind: 'body',
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    headers: Object.fromEntries(lower) as EventHeaders,
  };
}

function checkExpected(expect: TestShape['expect'], at: Problem['path'], short: boolean, { sinks, rows }: TestNames, tell: Report): void {
  const { to, rows: matched, not, messages } = expect;
  const below =
    (...keys: readonly string[]) =>
    (index: number): Problem['path'] => [...at, ...keys, index];
  checkNames(to ?? [], sinks, 'sink', short ? below() : below('to'), tell);
  checkNames(matched ?? [], rows, 'row', below('rows'), tell);
  checkNames(not?.to ?? [], sinks, 'sink', below('not', 'to'), tell);
  checkNames(not?.rows ?? [], rows, 'row', below('not', 'rows'), tell);
  const named = Object.keys(messages ?? {});
  checkNames(named, sinks, 'sink', (index) => [...at, 'messages', named[index] ?? ''], tell, true);
}

function checkNames(
  given: readonly string[],
  known: readonly string[],
  what: string,
  pathOf: (index: number) => Problem['path'],
  tell: Report,
  atKey = false,
): void {
  given.forEach((name, index) => {
    if (known.includes(name)) return;
    tell({ path: pathOf(index), what: `no ${what} named "${name}"`, remedy: suggest(name, known), ...(atKey ? { atKey: true as const } : {}) });
  });
}

function placeOf(path: Problem['path'], locate: BuildingTests['locate']): Place {
  const { file, line, column, path: text } = locate({ path, what: '', remedy: '' });
  return { file, line, column, path: text };
}
