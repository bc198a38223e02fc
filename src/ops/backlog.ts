import { Gauge, type Registry } from 'prom-client';
import type { Log } from '../core/sink.js';
import type { Store } from '../core/store.js';

/** What waits, read from the store when somebody asks for the metrics. */
export function measureBacklog(store: Pick<Store, 'stats'>, registry: Registry, log: Log): void {
  const oldest = new Gauge({
    name: 'castbridge_deliveries_oldest_due_seconds',
    help: 'How long the oldest waiting delivery has been due',
    labelNames: ['sink'],
    registers: [registry],
  });
  new Gauge({
    name: 'castbridge_deliveries_waiting',
    help: 'Deliveries that wait',
    labelNames: ['sink'],
    registers: [registry],
    async collect() {
      try {
        const { waiting } = await store.stats();
        this.reset();
        oldest.reset();
        for (const { sink, count, oldestDueMs } of waiting) {
          this.set({ sink }, count);
          oldest.set({ sink }, Math.max(0, (Date.now() - oldestDueMs) / 1000));
        }
      } catch (error) {
        log.warn({ detail: error instanceof Error ? error.message : String(error) }, 'the backlog cannot be measured');
      }
    },
  });
}
