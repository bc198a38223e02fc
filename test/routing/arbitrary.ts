import fc from 'fast-check';
import type { EventView } from '../../src/core/event.js';
import type { RouteRow } from '../../src/routing/table.js';
import { event } from './event.js';

// Few values, so that rows and events meet; some of them are globs, capitals, and names that objects of JavaScript have.
const WORDS = ['a', 'b', 'ab', 'prod-1', 'dev-1', 'A', '', '__proto__', 'constructor'];
const GLOBS = ['*', 'a*', '?', '*b', 'prod-*', '*-1', 'a?'];
const CONDITIONS = [
  'event.cluster.name == "prod-1"',
  '"a" == event.type && event.name != "b"',
  'event.data.n > 1',
  'event.data.n > 1 && event.cluster.name == "dev-1"',
  'event.cluster.name == "dev-1" && event.data.n > 1',
  'event.type == "a" || event.type == "b"',
  '(event.type == "a" || event.severity == "b") && has(event.name)',
  'event.data.n',
  'event.data.missing && event.data.n > 1',
  '!(event.cluster.id == "a") && event.cluster.id == "a"',
  'event.source == "a" && event.source == "b"',
  'event["type"] == "ab" && event.data.list.exists(event, event == "x")',
  'event.name.matches("^a") && event.cluster.id == ""',
  'event.severity in ["a", "b"] && event.id == "evt_1"',
  'true',
  'false && event.type == "a"',
];

const word = fc.constantFrom(...WORDS);
const pattern = fc.oneof(word, fc.constantFrom(...GLOBS)).filter((text) => text !== '');
const patterns = fc.oneof(pattern, fc.array(pattern, { minLength: 1, maxLength: 3 }));

/** Rows of the table, without names. */
export const arbitraryRow = fc.record({
  match: fc.option(fc.record({ source: patterns, type: patterns, severity: patterns, name: patterns, cluster: patterns }, { requiredKeys: [] }), {
    nil: undefined,
  }),
  where: fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined }),
  to: fc.subarray(['x', 'y'], { minLength: 1 }),
  stop: fc.boolean(),
});

export const arbitraryRows: fc.Arbitrary<RouteRow[]> = fc
  .array(arbitraryRow, { maxLength: 8 })
  .map((rows) => rows.map((row, index) => ({ ...row, name: `r${index}` })));

const optional = fc.option(word);

export const arbitraryEvent: fc.Arbitrary<EventView> = fc
  .record({
    source: word,
    type: word,
    severity: optional,
    name: optional,
    cluster: fc.record({ id: optional, name: optional }),
    data: fc.oneof(fc.record({ n: fc.oneof(fc.integer({ min: 0, max: 3 }), word), list: fc.array(word) }, { requiredKeys: [] }), fc.anything()),
  })
  .map((parts) => event(parts));
