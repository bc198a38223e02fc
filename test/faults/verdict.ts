import type { Arrival, Posted, Row } from './ledger.js';

/** All that is known when a run has ended. */
export interface Evidence {
  readonly posted: Iterable<Posted>;
  readonly arrivals: readonly Arrival[];
  readonly rows: readonly Row[];
  /** Reasons that a dead letter may have in this run. */
  readonly mayDie: readonly string[];
  /** What was stored was destroyed: what the store does not know any more is counted, and is no fault. */
  readonly destroyed?: boolean;
}

/** What the evidence comes to. The run is good where `faults` is empty. */
export interface Verdict {
  readonly acknowledged: number;
  /** Deliveries owed for acknowledged events, and what became of them. */
  readonly owed: number;
  readonly delivered: number;
  readonly dead: number;
  readonly waiting: number;
  /** Acknowledged events of which a delivery is nowhere: not delivered, not dead, not waiting. */
  readonly lost: number;
  /** Arrivals at a sink beyond the first of their delivery. */
  readonly duplicated: number;
  readonly faults: readonly string[];
}

/** The law of conservation: acknowledged = delivered + dead + waiting, for every sink; nothing invented, nothing changed, one delivery id each. */
export function judge({ posted, arrivals, rows, mayDie, destroyed = false }: Evidence): Verdict {
  const faults: string[] = [];
  const byId = new Map([...posted].map((event) => [event.id, event]));
  const rowsOf = grouped(rows, (row) => row.eventId);
  const arrivalsOf = grouped(arrivals, (arrival) => `${arrival.sink} ${arrival.eventId}`);
  const counts = { acknowledged: 0, owed: 0, delivered: 0, dead: 0, waiting: 0, lost: 0, duplicated: 0 };

  for (const row of rows)
    if (!byId.has(row.eventId) && row.damaged !== true) faults.push(`invented: the store has ${row.eventId}, which nobody posted`);
  for (const { sink, eventId, hash } of arrivals) {
    const event = byId.get(eventId);
    if (event === undefined) faults.push(`invented: ${sink} got ${eventId}, which nobody posted`);
    else if (hash !== null && hash !== event.hash) faults.push(`changed: ${sink} got ${eventId} with other bytes`);
    else if (!event.sinks.includes(sink)) faults.push(`astray: ${sink} got ${eventId}, which it is not owed`);
  }

  for (const event of byId.values()) {
    const own = rowsOf.get(event.id) ?? [];
    if (new Set(own.map((row) => row.event)).size > 1) faults.push(`stored twice: ${event.id}`);
    if (event.acknowledged) counts.acknowledged += 1;
    let isLost = false;
    for (const sink of event.sinks) {
      const [row, ...more] = own.filter((one) => one.sink === sink);
      const arrived = arrivalsOf.get(`${sink} ${event.id}`) ?? [];
      counts.duplicated += Math.max(0, arrived.length - 1);
      if (more.length > 0) faults.push(`owed twice: ${event.id} to ${sink}`);
      for (const { deliveryId } of arrived)
        if (deliveryId !== null && row !== undefined && row.damaged !== true && deliveryId !== row.id)
          faults.push(`another delivery id: ${event.id} at ${sink}`);
      if (event.acknowledged) counts.owed += 1;
      if (row === undefined) {
        isLost ||= event.acknowledged && arrived.length === 0;
        if (arrived.length > 0 && !destroyed) faults.push(`unknown to the store: ${event.id} at ${sink}`);
      } else if (row.state === 'delivered') {
        counts.delivered += 1;
        if (arrived.length > 0) continue;
        faults.push(`delivered, says the store, but never arrived: ${event.id} at ${sink}`);
        isLost = true;
      } else if (row.state === 'waiting') counts.waiting += 1;
      else {
        counts.dead += 1;
        if (!mayDie.includes(row.reason ?? '')) faults.push(`given up without need: ${event.id} at ${sink} (${row.reason})`);
      }
    }
    if (!isLost) continue;
    counts.lost += 1;
    if (!destroyed) faults.push(`LOST: ${event.id} was acknowledged, and a delivery of it is nowhere`);
  }
  return { ...counts, faults };
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
