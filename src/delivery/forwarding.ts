import type { Arrival, Owed, Store } from '../core/store.js';

/** The store, for what comes in: what is dead on arrival is forwarded too. */
export function forwarding(store: Store, deadTo: () => readonly string[]): Pick<Store, 'accept' | 'acceptTogether' | 'checkpoint'> {
  const forwarded = (arrival: Arrival): Arrival => (arrival.owes.some(isDead) ? { ...arrival, deadTo: deadTo() } : arrival);
  return {
    accept: (arrival) => store.accept(forwarded(arrival)),
    acceptTogether: (arrivals, checkpoint) => store.acceptTogether(arrivals.map(forwarded), checkpoint),
    checkpoint: (source) => store.checkpoint(source),
  };
}

/** Is it a dead letter from birth? */
export function isDead(owed: Owed): boolean {
  return owed.state === 'dead';
}
