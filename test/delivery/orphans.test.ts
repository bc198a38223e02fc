import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreUnavailable } from '../../src/core/store.js';
import { createOrphans } from '../../src/delivery/orphans.js';

/** Orphans by sink; a store that kills one of them a call, and fails when it is told to. */
function rig(waiting: Record<string, number>) {
  const state = { down: false, calls: 0, during: (): void => undefined };
  const sinks: string[] = [];
  const told: number[] = [];
  const wakes: string[] = [];
  const orphans = createOrphans({
    store: {
      killOrphans: async (spared, _nowMs, deadTo) => {
        state.calls += 1;
        expect(deadTo).toEqual(['ops']);
        if (state.down) throw new StoreUnavailable('disk full');
        const orphan = Object.keys(waiting).find((sink) => !spared.includes(sink) && waiting[sink] !== 0);
        if (orphan !== undefined) waiting[orphan] = (waiting[orphan] ?? 0) - 1;
        await Promise.resolve();
        state.during();
        return orphan === undefined ? 0 : 1;
      },
    },
    telemetry: { orphansKilled: ({ deliveries }) => void told.push(deliveries) },
    spared: () => sinks,
    deadTo: () => ['ops'],
    wake: (woken) => void wakes.push(...woken),
    nowMs: () => 0,
  });
  return { orphans, state, told, wakes, waiting, sinks };
}
const turn = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('orphans (T14)', () => {
  it('are killed chunk after chunk, and told of once', async () => {
    const { orphans, told, wakes, waiting, sinks } = rig({ gone: 3, kept: 2 });
    sinks.push('kept');
    orphans.kill();
    await turn();
    expect([waiting, told]).toEqual([{ gone: 0, kept: 2 }, [3]]);
    // Who is told of dead letters has something due then, chunk by chunk.
    expect(wakes).toEqual(['ops', 'ops', 'ops']);
  });

  it('are spared from the chunk on that follows their sink’s return', async () => {
    const { orphans, state, waiting, sinks } = rig({ back: 3 });
    state.during = () => void sinks.push('back');
    orphans.kill();
    await turn();
    expect(waiting).toEqual({ back: 2 });
  });

  it('that came while the last chunk was on its way are not forgotten', async () => {
    const { orphans, state, waiting } = rig({ gone: 0 });
    state.during = () => {
      if (state.calls > 1) return;
      waiting['gone'] = 1;
      orphans.kill();
    };
    orphans.kill();
    await turn();
    expect(waiting).toEqual({ gone: 0 });
  });

  it('wait for a store that fails, without spinning; at the end nobody does', async () => {
    const { orphans, state, waiting, told } = rig({ gone: 1 });
    state.down = true;
    orphans.kill();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(state.calls).toBe(10);
    state.down = false;
    await vi.advanceTimersByTimeAsync(1);
    expect([waiting, told]).toEqual([{ gone: 0 }, [1]]);
    state.down = true;
    orphans.kill();
    await turn();
    await orphans.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
