import { Gauge, type Registry } from 'prom-client';
import type { Log } from '../core/sink.js';
import type { Store, StoreStats } from '../core/store.js';

/** Counting costs by the row. Its result serves for this many times as long as it took: counting then takes a fiftieth of a core, however large the backlog. */
const REST = 50;
const REST_MS_MAX = 60_000;

/** What waits, read from the store when somebody asks for the metrics. */
export function measureBacklog(store: Pick<Store, 'stats'>, registry: Registry, log: Log): void {
  let counted: Promise<StoreStats> | null = null;
  const forget = (): void => void (counted = null);
  const read = (): Promise<StoreStats> => {
    if (counted !== null) return counted;
    const beganMs = performance.now();
    const counting = store.stats();
    counting.then(() => setTimeout(forget, Math.min(REST * (performance.now() - beganMs), REST_MS_MAX)).unref(), forget);
    return (counted = counting);
  };

  const gauge = (name: string, help: string, value: (sink: StoreStats['waiting'][number]) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['sink'],
      registers: [registry],
      async collect() {
        try {
          const { waiting } = await read();
          this.reset();
          for (const sink of waiting) this.set({ sink: sink.sink }, value(sink));
        } catch (error) {
          log.warn({ metric: name, detail: error instanceof Error ? error.message : String(error) }, 'the backlog cannot be measured');
        }
      },
    });
  };
  gauge('castbridge_deliveries_waiting', 'Deliveries that wait', ({ count }) => count);
  gauge('castbridge_deliveries_oldest_due_seconds', 'How long the oldest waiting delivery has been due', ({ oldestDueMs }) =>
    Math.max(0, (Date.now() - oldestDueMs) / 1000),
  );
}
