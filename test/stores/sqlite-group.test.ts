import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arrival, Owed, Settled } from '../../src/core/store.js';
import { headersIn } from '../../src/stores/sqlite/event-row.js';
import { packGroup, unpackGroup, type Given } from '../../src/stores/sqlite/group.js';

const text = fc.string({ unit: 'binary' });
const names = fc.array(text, { maxLength: 2 });

const owed: fc.Arbitrary<Owed> = fc.oneof(
  fc.record({ state: fc.constant('waiting' as const), route: text, sink: text }),
  fc.record({ state: fc.constant('waiting' as const), route: text, sink: text, orderKey: text }),
  fc.record({ state: fc.constant('dead' as const), route: fc.option(text), sink: fc.constant(null), reason: text, detail: text }),
);

const arrival: fc.Arbitrary<Arrival> = fc.record(
  {
    ...{ source: text, format: text, key: fc.option(text), id: text, type: text, receivedMs: fc.nat(), dedupWindowMs: fc.nat() },
    body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    headers: fc.dictionary(text, text),
    owes: fc.array(owed, { maxLength: 3 }),
    deadTo: names,
  },
  { requiredKeys: ['source', 'format', 'key', 'id', 'type', 'receivedMs', 'dedupWindowMs', 'body', 'headers', 'owes'] },
);

const settled: fc.Arbitrary<Settled> = fc.oneof(
  fc.record({
    ...{ eventUid: text, index: fc.nat(), settlement: fc.constant({ state: 'delivered' as const }) },
    attempt: fc.record({ startedMs: fc.nat(), durationMs: fc.nat(), outcome: fc.record({ kind: fc.constant('delivered' as const), answer: text }) }),
  }),
  fc.record({
    ...{ eventUid: text, index: fc.nat() },
    settlement: fc.record({ state: fc.constant('waiting' as const), dueMs: fc.double(), reason: text }),
    attempt: fc.record({
      ...{ startedMs: fc.nat(), durationMs: fc.nat() },
      outcome: fc.record({ kind: fc.constant('retry' as const), reason: text, answer: text, holdSink: fc.boolean() }),
    }),
  }),
  fc.record({
    ...{ eventUid: text, index: fc.nat(), deadTo: names, settlement: fc.record({ state: fc.constant('dead' as const), reason: text }) },
    attempt: fc.record({
      ...{ startedMs: fc.nat(), durationMs: fc.nat() },
      outcome: fc.record({ kind: fc.constant('rejected' as const), reason: text, answer: text }),
    }),
  }),
);

const given: fc.Arbitrary<Given> = fc.record({
  arrivals: fc.array(arrival, { maxLength: 3 }),
  checkpoint: fc.option(fc.record({ source: text, state: text })),
});

describe('a group', () => {
  it('comes to the writer as it was given, bodies and all', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 4 }), fc.array(fc.array(settled, { maxLength: 3 }), { maxLength: 3 }), (groups, settlements) => {
        const { arrivals, settled } = unpackGroup(structuredClone(packGroup(groups, settlements)));
        expect(settled).toEqual(settlements);
        const expected = groups.map(({ arrivals, checkpoint }) => ({
          checkpoint,
          arrivals: arrivals.map(({ body, headers, deadTo = [], ...rest }) => ({
            ...rest,
            deadTo,
            body: new Uint8Array(body),
            headers: headersIn(headers),
          })),
        }));
        expect(arrivals).toEqual(expected);
      }),
    );
  });
});
