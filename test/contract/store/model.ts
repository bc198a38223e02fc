import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle, type RetryPolicy } from '../../../src/core/delivery.js';
import type { Outcome } from '../../../src/core/outcome.js';
import type { DeliveryRow, Store } from '../../../src/core/store.js';
import { allRows, arrival, deadLetter, idOf, owedTo, pruneAll, SECOND, T0, type OpenedStore, type OpenFresh } from './rig.js';

const LIMITS = { retentionMs: 20 * SECOND, dedupWindowMs: 12 * SECOND };
const POLICY: RetryPolicy = { attempts: 3, initialMs: 8 * SECOND, maxMs: 8 * SECOND, maxAgeMs: 60 * SECOND };
const SINKS = ['a', 'b', 'c'];

const OUTCOMES: readonly Outcome[] = [
  { kind: 'delivered', answer: 'ok' },
  { kind: 'retry', reason: 'http_503', answer: 'busy' },
  { kind: 'rejected', reason: 'http_400', answer: 'no' },
];

type Step =
  | { readonly do: 'accept'; readonly keys: readonly number[]; readonly owes: number }
  | { readonly do: 'settle'; readonly sink: number; readonly outcome: number }
  | { readonly do: 'replay'; readonly pick: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'prune' | 'reopen' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('accept' as const), keys: fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), owes: fc.nat(3) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('settle' as const), sink: fc.nat(2), outcome: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('replay' as const), pick: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prune' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

/** A delivery, as the model knows it. `before`: attempts made before it was last replayed. */
interface Expected {
  readonly sink: string | null;
  state: DeliveryRow['state'];
  dueMs: number;
  attempts: number;
  before: number;
  sinceMs: number;
  settledMs: number;
}

interface ExpectedEvent {
  readonly uid: string;
  readonly deliveries: Expected[];
}

export function modelled(open: OpenFresh): void {
  describe('whatever happens in whatever order', () => {
    it('agrees with a model in memory', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          const opened = await open(LIMITS);
          try {
            await follow(opened, steps);
          } finally {
            await opened.remove();
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}

async function follow(opened: OpenedStore, steps: readonly Step[]): Promise<void> {
  let { store } = opened;
  let nowMs = T0;
  let events: ExpectedEvent[] = [];
  const lastStored = new Map<number, number>();

  const accept = async (keys: readonly number[], owes: number): Promise<void> => {
    const owed = owes === 0 ? [deadLetter()] : SINKS.slice(0, owes).map((sink) => owedTo(sink));
    const receipts = await store.acceptTogether(keys.map((key) => arrival(`evt_${key}`, { receivedMs: nowMs, owes: owed })));
    expect(receipts).toHaveLength(keys.length);
    keys.forEach((key, at) => {
      const [storedMs, receipt] = [lastStored.get(key), receipts[at]];
      const duplicate = storedMs !== undefined && nowMs - storedMs <= LIMITS.dedupWindowMs;
      expect(receipt?.kind).toBe(duplicate ? 'duplicate' : 'stored');
      if (receipt?.kind !== 'stored') return;
      lastStored.set(key, nowMs);
      const fresh = { dueMs: nowMs, attempts: 0, before: 0, sinceMs: nowMs, settledMs: nowMs };
      events.push({ uid: receipt.event.uid, deliveries: owed.map(({ sink, state }) => ({ ...fresh, sink, state })) });
    });
  };

  /** As a lane does: the first that is due is tried, and what follows is decided by the rule. */
  const settleOne = async (sink: string, outcome: Outcome): Promise<void> => {
    const [due] = (await store.due(sink, nowMs, 1, new Set())).deliveries;
    const known = events
      .flatMap(({ uid, deliveries }) => deliveries.map((delivery, index) => ({ id: `${uid}.${index}`, delivery })))
      .filter(({ delivery }) => delivery.state === 'waiting' && delivery.sink === sink && delivery.dueMs <= nowMs);
    const found = known.find(({ id }) => due !== undefined && id === idOf(due))?.delivery;
    expect(found?.dueMs).toBe(known.length === 0 ? undefined : Math.min(...known.map(({ delivery }) => delivery.dueMs)));
    if (due === undefined || found === undefined) return;
    expect(due).toMatchObject({ attempts: found.attempts - found.before, sinceMs: found.sinceMs });
    const settlement = settle(outcome, { attempt: due.attempts + 1, sinceMs: due.sinceMs }, POLICY, nowMs, 0.5);
    await store.settle({ eventUid: due.event.uid, index: due.index, settlement, attempt: { startedMs: nowMs, durationMs: 0, outcome } });
    found.state = settlement.state;
    found.attempts += 1;
    if (settlement.state === 'waiting') found.dueMs = settlement.dueMs;
    else found.settledMs = nowMs;
  };

  const replay = async (pick: number): Promise<void> => {
    const all = events.flatMap(({ uid, deliveries }) => deliveries.map((delivery, index) => ({ key: { eventUid: uid, index }, delivery })));
    const chosen = all[pick % Math.max(all.length, 1)];
    if (chosen === undefined) return;
    const { key, delivery } = chosen;
    const can = delivery.state !== 'waiting' && delivery.sink !== null;
    expect(await store.replay([key], nowMs)).toEqual([can]);
    if (can) Object.assign(delivery, { state: 'waiting', dueMs: nowMs, sinceMs: nowMs, before: delivery.attempts });
  };

  for (const one of steps) {
    switch (one.do) {
      case 'accept':
        await accept(one.keys, one.owes);
        break;
      case 'settle':
        await settleOne(SINKS[one.sink] ?? '', OUTCOMES[one.outcome] as Outcome);
        break;
      case 'replay':
        await replay(one.pick);
        break;
      case 'wait':
        nowMs += one.seconds * SECOND;
        break;
      case 'prune':
        await pruneAll(store, nowMs);
        events = events.filter(({ deliveries }) => !deliveries.every((one) => isOver(one, nowMs)));
        break;
      case 'reopen':
        store = await opened.reopen();
        break;
    }
  }
  await agree(store, events);
}

function isOver({ state, settledMs }: Expected, nowMs: number): boolean {
  return state !== 'waiting' && settledMs < nowMs - LIMITS.retentionMs;
}

async function agree(store: Store, events: readonly ExpectedEvent[]): Promise<void> {
  const rows = await allRows(store, {}, 7);
  const shown = rows.map(({ deliveryId, sink, state, attempts, dueMs, settledMs }) => ({ deliveryId, sink, state, attempts, dueMs, settledMs }));
  const expected = events.flatMap(({ uid, deliveries }) =>
    deliveries.map(({ sink, state, attempts, dueMs, settledMs }, index) => ({
      deliveryId: `${uid}.${index}`,
      sink,
      state,
      attempts,
      dueMs: state === 'waiting' ? dueMs : null,
      settledMs: state === 'waiting' ? null : settledMs,
    })),
  );
  expect(shown).toEqual(expected.reverse());
  for (const { uid, deliveries } of events) {
    const [story] = await store.stories(uid);
    expect(story?.attempts).toHaveLength(deliveries.reduce((sum, one) => sum + one.attempts, 0));
  }
  const counts = new Map((await store.stats()).waiting.map(({ sink, count }) => [sink, count]));
  for (const sink of SINKS) {
    const waiting = events.flatMap((event) => event.deliveries).filter((one) => one.state === 'waiting' && one.sink === sink);
    expect(counts.get(sink) ?? 0).toBe(waiting.length);
  }
}
