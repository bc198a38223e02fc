import { expect, it } from 'vitest';
import type { Arrival, Owed, Store } from '../../src/core/store.js';
import { forwarding } from '../../src/delivery/forwarding.js';
import { arrival, deadLetter } from '../contract/store/rig.js';

/** A store that takes its time; what it was given, and who was woken. */
function rig(owes: readonly Owed[]) {
  const given: Arrival[] = [];
  const woken: string[][] = [];
  const state = { deadTo: ['ops'], commit: (): void => undefined };
  const store = {
    accept: async (one: Arrival) => {
      given.push(one);
      await new Promise<void>((resolve) => (state.commit = resolve));
      return { kind: 'stored', event: {} };
    },
  } as unknown as Store;
  const wrapped = forwarding(store, {
    deadTo: () => state.deadTo,
    wake: (sinks) => void woken.push([...sinks]),
    redact: (text) => text.replaceAll('s3cret', '[redacted]'),
  });
  return { state, given, woken, accepting: wrapped.accept(arrival('evt_1', { owes })) };
}

it('wakes those that a dead letter was written for, whatever a reload says meanwhile', async () => {
  const { state, given, woken, accepting } = rig([deadLetter()]);
  state.deadTo = ['other'];
  state.commit();
  await accepting;
  expect([given[0]?.deadTo, woken]).toEqual([['ops'], [['ops']]]);
});

it('tells the routing’s own words without secrets, and no more of them than of an answer', async () => {
  const { state, given, accepting } = rig([deadLetter('route_error', `s3cret ${'x'.repeat(5_000)}`)]);
  state.commit();
  await accepting;
  const [owed] = given[0]?.owes ?? [];
  expect(owed?.state === 'dead' && owed.detail.startsWith('[redacted] xxx')).toBe(true);
  expect(owed?.state === 'dead' && owed.detail.length).toBeLessThanOrEqual(500);
});
