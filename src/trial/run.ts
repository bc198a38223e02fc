import type { Configuration } from '../config/configuration.js';
import type { RoutingTest } from '../config/tests.js';
import { DEAD } from '../core/delivery.js';
import { eventsIn } from '../core/source.js';
import { createTryRouting, type TriedRouting, type TryRouting } from './deliveries.js';
import { eventOf, readEvent, type TriedEvent, type Unreadable } from './event.js';
import { failuresOf, unreadableFailures, type Failure } from './judge.js';

/** What one test came to. */
export interface TestResult {
  readonly test: RoutingTest;
  /** Empty: it passes. */
  readonly failures: readonly Failure[];
  /** Rows its event matched. */
  readonly rows: readonly string[];
}

/** What all tests came to, and the rows that no event of them matched. */
export interface TestRun {
  readonly ok: boolean;
  readonly results: readonly TestResult[];
  readonly uncovered: readonly string[];
}

/** What of a configuration tests are about. */
export type Tested = Pick<Configuration, 'table' | 'sinks' | 'readers' | 'rows'>;

/** Pure: nothing is sent, stored or opened. `otherwise` counts as a row. */
export function runTests(config: Tested, tests: readonly RoutingTest[]): TestRun {
  const tryRouting = createTryRouting(config);
  const results = tests.map((test) => runTest(config, test, tryRouting));
  const matched = new Set(results.flatMap(({ rows }) => rows));
  return { ok: results.every(({ failures }) => failures.length === 0), results, uncovered: config.rows.filter((row) => !matched.has(row)) };
}

/** Deliveries of a test have the ids `test.0`, `test.1`: a message that shows them can be expected. */
const UID = 'test';

function runTest(config: Tested, test: RoutingTest, tryRouting: TryRouting): TestResult {
  const tried = givenEvent(config, test);
  if (!('view' in tried)) return { test, failures: unreadableFailures(test.expect, tried), rows: [] };
  const routing: TriedRouting = tryRouting(tried, UID);
  return { test, failures: failuresOf(test.expect, routing, () => config.table.explain(tried.view)), rows: routing.rows };
}

function givenEvent({ readers }: Tested, { source: name, given, receivedMs }: RoutingTest): TriedEvent | Unreadable {
  if (given.kind === 'event') return eventOf(given.event, name, receivedMs);
  const source = readers.get(name);
  if (source === undefined) throw new Error(`the test names the source "${name}", which was not checked`);
  const [body = given.body, ...others] = eventsIn(source.format, given.body);
  if (others.length > 0) return { reason: DEAD.undecodable, detail: `the body holds ${others.length + 1} events: give one of them` };
  return readEvent(source, { body, headers: given.headers, receivedMs });
}
