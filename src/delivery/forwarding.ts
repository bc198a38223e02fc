import { excerpt } from '../core/outcome.js';
import type { Redact } from '../core/redact.js';
import type { Arrival, Owed, Receipt, Store } from '../core/store.js';

interface Forwarding {
  /** Sinks that what is dead on arrival is forwarded to. */
  readonly deadTo: () => readonly string[];
  /** They have something due. */
  readonly wake: (sinks: readonly string[]) => void;
  readonly redact: Redact;
}

/** The store, for what comes in: what is dead on arrival is forwarded too. */
export function forwarding(store: Store, { deadTo, wake, redact }: Forwarding): Pick<Store, 'accept' | 'acceptTogether' | 'checkpoint'> {
  const forwarded = (arrival: Arrival, to: readonly string[]): Arrival =>
    isAnyDead(arrival) ? { ...arrival, owes: arrival.owes.map(told), deadTo: to } : arrival;
  /** In the routing's own words, which may hold what the event says. */
  const told = (owed: Owed): Owed => (owed.state === 'dead' ? { ...owed, detail: excerpt(redact(owed.detail)) } : owed);

  const acceptDead = async (arrival: Arrival): Promise<Receipt> => {
    // Those that were written are woken, whatever a reload says meanwhile.
    const to = deadTo();
    const receipt = await store.accept(forwarded(arrival, to));
    if (receipt.kind === 'stored') wake(to);
    return receipt;
  };

  return {
    accept: (arrival) => (isAnyDead(arrival) ? acceptDead(arrival) : store.accept(arrival)),
    async acceptTogether(arrivals, checkpoint) {
      const to = deadTo();
      const receipts = await store.acceptTogether(
        arrivals.map((arrival) => forwarded(arrival, to)),
        checkpoint,
      );
      if (arrivals.some(isAnyDead)) wake(to);
      return receipts;
    },
    checkpoint: (source) => store.checkpoint(source),
  };
}

function isAnyDead({ owes }: Arrival): boolean {
  return owes.some(({ state }) => state === 'dead');
}
