import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { StoreStats } from '../../src/core/store.js';
import { measureBacklog } from '../../src/ops/backlog.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A store whose backlog takes `tookMs` to count. */
function rig(tookMs: number) {
  const registry = new Registry();
  const counts: number[] = [];
  const stats = async (): Promise<StoreStats> => {
    counts.push(performance.now());
    await new Promise((resolve) => setTimeout(resolve, tookMs));
    return { waiting: [{ sink: 'out', count: counts.length, oldestDueMs: Date.now() }] };
  };
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  measureBacklog({ stats }, registry, log);
  return { registry, counts };
}

it.each([
  [100, 5_000],
  [100_000, 60_000],
])('T35: a backlog that takes %i ms to count is not counted again within %i ms, however often somebody asks', async (tookMs, restMs) => {
  const { registry, counts } = rig(tookMs);
  const asked = Promise.all([registry.metrics(), registry.metrics()]);
  await vi.advanceTimersByTimeAsync(tookMs);
  for (const text of await asked) expect(text).toContain('castbridge_deliveries_waiting{sink="out"} 1');
  await vi.advanceTimersByTimeAsync(restMs - 1);
  expect(await registry.metrics()).toContain('castbridge_deliveries_waiting{sink="out"} 1');
  expect(counts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  const again = registry.metrics();
  await vi.advanceTimersByTimeAsync(tookMs);
  expect(await again).toContain('castbridge_deliveries_waiting{sink="out"} 2');
});
