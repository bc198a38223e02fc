import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Polled, Poller } from '../../src/core/source.js';
import { StoreUnavailable, type Arrival, type Checkpoint } from '../../src/core/store.js';
import { createPollings, type PolledSource } from '../../src/ingress/polling.js';
import { castaiAudit } from '../../src/sources/format/castai-audit.js';
import { DEDUP, MemoryStore, NOW_MS, OWES, recorder, type Fact } from './harness.js';

/** Keeps checkpoints too, with what they came with. */
class CheckpointStore extends MemoryStore {
  readonly checkpoints = new Map<string, string>();

  override async acceptTogether(arrivals: readonly Arrival[], checkpoint?: Checkpoint) {
    const receipts = await super.acceptTogether(arrivals);
    if (checkpoint !== undefined) this.checkpoints.set(checkpoint.source, checkpoint.state);
    return receipts;
  }

  checkpoint(source: string): Promise<string | null> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return Promise.resolve(this.checkpoints.get(source) ?? null);
  }
}

const entry = (id: string) => Buffer.from(JSON.stringify({ id, eventType: 'nodeAdded' }));
const page = (state: string, waitMs: number, ...ids: string[]): Polled => ({ kind: 'events', bodies: ids.map(entry), state, waitMs });
const FOR_EVER = 1_000_000;

/** A far side that answers what the test says, then has nothing more. */
function rig(answers: readonly (Polled | Error)[]) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [left, asked, facts, handedOver] = [[...answers], [] as (string | null)[], [] as Fact[], [] as string[]];
  const state = { opened: 0, closed: 0 };
  const store = new CheckpointStore();
  const poller: Poller = {
    ask: (before) => {
      asked.push(before);
      const next = left.shift() ?? page(before ?? 'none', FOR_EVER);
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    close: () => Promise.resolve(void (state.closed += 1)),
  };
  const logged: unknown[] = [];
  const note = (fields: object, message: string) => void logged.push({ ...fields, message });
  const source = (config: unknown): PolledSource => ({
    ...{ name: 'audit', reads: { name: 'audit', format: castaiAudit.bare, dedup: DEDUP }, config },
    kind: KIND,
  });
  const KIND = {
    open: () => {
      state.opened += 1;
      return poller;
    },
  };
  const pollings = createPollings({
    ...{ store, nowMs: () => NOW_MS, random: () => 1, telemetry: recorder(facts) },
    log: { debug: note, info: note, warn: note, error: note },
    route: () => OWES,
    onStored: ({ id }) => void handedOver.push(id),
  });
  const told = (kind: Fact['kind']) => facts.filter((fact) => fact.kind === kind);
  const settle = async (ms = 0) => vi.advanceTimersByTimeAsync(ms);
  return { pollings, source, store, asked, facts, told, handedOver, state, logged, settle, left };
}

describe('a source that is asked for its events', () => {
  it('is asked at once while there is more, each page kept before the next, and then waits', async () => {
    const { pollings, source, store, asked, told, handedOver, settle } = rig([
      page('a', 0, '1', '2'),
      page('b', 0, '3'),
      page('c', 60_000, '2', '4'),
    ]);
    pollings.exchange([source({})]);
    await settle();
    expect(asked).toEqual([null, 'a', 'b']);
    expect(store.stored.map(({ id, source: name, key }) => [id, name, key])).toEqual(['1', '2', '3', '4'].map((id) => [id, 'audit', `id:${id}`]));
    expect([handedOver, store.checkpoints.get('audit')]).toEqual([['1', '2', '3', '4'], 'c']);
    // What comes again by the overlap is told as a number alone.
    expect(told('polled').map(({ events, fresh }) => [events, fresh])).toEqual([
      [2, 2],
      [1, 1],
      [2, 1],
    ]);
    expect(told('duplicate')).toEqual([]);
    await settle(59_999);
    expect(asked).toHaveLength(3);
    await settle(1);
    expect(asked).toEqual([null, 'a', 'b', 'c']);
    await pollings.stop();
  });

  it('begins where it was kept', async () => {
    const { pollings, source, store, asked, settle } = rig([]);
    store.checkpoints.set('audit', 'kept');
    pollings.exchange([source({})]);
    await settle();
    expect(asked).toEqual(['kept']);
    await pollings.stop();
  });

  it('is asked again after a pause that doubles, and no sooner than it was asked to', async () => {
    const failed: Polled = { kind: 'failed', detail: 'no', waitMs: null };
    const { pollings, source, told, settle } = rig([
      ...Array<Polled>(12).fill(failed),
      { ...failed, waitMs: 7_200_000 },
      page('a', FOR_EVER),
      failed,
    ]);
    pollings.exchange([source({})]);
    await settle(10_000_000);
    const again = told('pollFailed').map(({ againMs }) => againMs);
    expect(again).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 3_600, 1].map((s) => s * 1_000));
    await pollings.stop();
  });

  it('is not asked sooner than it may be, whoever asks for it', async () => {
    const { pollings, source, asked, settle } = rig([{ kind: 'failed', detail: '429', waitMs: 60_000 }]);
    pollings.exchange([source({})]);
    await settle();
    pollings.exchange([source({})]);
    await settle(59_999);
    expect(asked).toHaveLength(1);
    await settle(1);
    expect(asked).toHaveLength(2);
    await pollings.stop();
  });

  it('asks another question where the one it asked was at fault', async () => {
    const { pollings, source, asked, settle } = rig([page('a', 0, '1'), { kind: 'failed', detail: 'no', waitMs: null, state: 'without cursor' }]);
    pollings.exchange([source({})]);
    await settle(5_000);
    expect(asked).toEqual([null, 'a', 'without cursor']);
    await pollings.stop();
  });

  it('T10: keeps nothing and goes no further while the store is away', async () => {
    const { pollings, source, store, asked, told, handedOver, settle } = rig([page('a', 0, '1'), page('a', 0, '1')]);
    store.failure = new StoreUnavailable('the disk is full');
    pollings.exchange([source({})]);
    await settle(500);
    expect([asked, told('pollFailed')[0]?.['detail']]).toEqual([[], 'the store cannot write: the disk is full']);
    store.failure = null;
    store.gate = Promise.reject(new StoreUnavailable('just now'));
    store.gate.catch(() => undefined);
    await settle(1_000);
    expect([asked, handedOver]).toEqual([[null], []]);
    store.gate = Promise.resolve();
    await settle(4_000);
    expect(asked.slice(0, 2)).toEqual([null, null]);
    expect(handedOver).toEqual(['1']);
    await pollings.stop();
  });

  it('is stopped by what only a person can mend, until the configuration is read again', async () => {
    const { pollings, source, asked, told, state, settle } = rig([{ kind: 'stopped', detail: 'the API key is not valid' }]);
    pollings.exchange([source({ a: 1 })]);
    await settle(FOR_EVER - 1);
    expect([asked.length, state.closed]).toEqual([1, 1]);
    expect(told('pollStopped')).toEqual([{ kind: 'pollStopped', source: 'audit', detail: 'the API key is not valid' }]);
    pollings.exchange([source({ a: 1 })]);
    await settle();
    expect([asked.length, state.opened]).toEqual([2, 2]);
    await pollings.stop();
  });

  it('goes on undisturbed where it did not change, begins anew where it did, and ends where it is gone', async () => {
    const { pollings, source, store, asked, told, state, left, settle } = rig([page('a', FOR_EVER, '1')]);
    pollings.exchange([source({ a: { b: 1 } })]);
    await settle();
    // It is asked at once, from where it is, and its events are read as they are now.
    left.push(page('b', FOR_EVER, '2'));
    const again = source({ a: { b: 1 } });
    pollings.exchange([{ ...again, reads: { ...again.reads, name: 'filled' } }]);
    await settle();
    expect([asked, state.opened]).toEqual([[null, 'a'], 1]);
    expect(store.stored.map(({ id, source: name }) => [id, name])).toEqual([
      ['1', 'audit'],
      ['2', 'filled'],
    ]);
    pollings.exchange([source({ a: { b: 2 } })]);
    await settle();
    expect([asked, state.opened, state.closed]).toEqual([[null, 'a', 'b'], 2, 1]);
    pollings.exchange([]);
    await settle();
    expect([state.opened, state.closed, told('pollEnded').length]).toEqual([2, 2, 2]);
    await pollings.stop();
    pollings.exchange([source({})]);
    await settle();
    expect(state.opened).toBe(2);
  });

  it('keeps what it cannot read as dead letters', async () => {
    const { pollings, source, store, told, settle } = rig([{ kind: 'events', bodies: [Buffer.from('{"id":"1"}')], state: 'a', waitMs: FOR_EVER }]);
    pollings.exchange([source({})]);
    await settle();
    expect(store.stored).toMatchObject([{ id: '', owes: [{ state: 'dead', reason: 'undecodable' }] }]);
    expect(told('refused')).toMatchObject([{ reason: 'undecodable' }]);
    await pollings.stop();
  });

  it('says where castbridge itself is at fault', async () => {
    const { pollings, source, logged, settle } = rig([new Error('a bug')]);
    pollings.exchange([source({})]);
    await settle();
    expect(logged).toMatchObject([{ source: 'audit', message: 'a source is not asked any more, by a fault of castbridge' }]);
    await pollings.stop();
  });
});
