import { vi } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import type { Message, Sink } from '../../src/core/sink.js';
import { StoreUnavailable, type DueDelivery, type Settled } from '../../src/core/store.js';
import { Lane, type LaneDependencies } from '../../src/delivery/lane.js';
import { idOf } from '../../src/delivery/queue.js';

/** A delivery to the sink `s`. */
export function due(uid: string, options: { body?: Buffer; attempts?: number; sinceMs?: number } = {}): DueDelivery {
  const { body = Buffer.from('{}'), attempts = 0, sinceMs = 0 } = options;
  return {
    index: 0,
    route: 'r',
    sink: 's',
    attempts,
    sinceMs,
    event: { uid, source: 'castai', format: 'f', id: `id-${uid}`, type: 't', receivedMs: sinceMs, body, headers: {} },
  };
}

/** A lane over a store and a sink in memory: the test decides what the far side answers, and when the store fails. */
export function rig(options: Partial<LaneDependencies> = {}) {
  const waiting = new Map<string, DueDelivery & { dueMs: number }>();
  const settled: Settled[] = [];
  const sent: { ids: string[]; signal: AbortSignal; answer: (outcome: Outcome | readonly Outcome[]) => void }[] = [];
  const state = {
    storeDown: false,
    settleDown: false,
    /** An event whose settlements the store refuses, with all that come with them. */
    refused: '',
    /** How often it was closed, and what the sink says to it. */
    closed: 0,
    closing: Promise.resolve(),
    dueCalls: 0,
    /** Until a page is cut from what waits, and then until it has arrived. */
    cutting: Promise.resolve(),
    reading: Promise.resolve(),
    answer: undefined as ((message: Message) => Outcome) | undefined,
  };
  const sink: Sink = {
    send: (batch, signal) => {
      const answer = state.answer;
      if (answer !== undefined) {
        sent.push({ ids: batch.map((message) => message.deliveryId), signal, answer: () => undefined });
        return Promise.resolve(batch.map(answer));
      }
      return new Promise((resolve) =>
        sent.push({
          ids: batch.map((message) => message.deliveryId),
          signal,
          answer: (outcome) => resolve('kind' in outcome ? batch.map(() => outcome) : outcome),
        }),
      );
    },
    close: () => {
      state.closed += 1;
      return state.closing;
    },
  };
  const store: LaneDependencies['store'] = {
    settle: (...writes) => {
      if (state.storeDown || state.settleDown || writes.some(({ eventUid }) => eventUid === state.refused))
        return Promise.reject(new StoreUnavailable('disk full'));
      for (const write of writes) {
        settled.push(write);
        const id = `${write.eventUid}.${write.index}`;
        const row = waiting.get(id);
        if (write.settlement.state !== 'waiting') waiting.delete(id);
        else if (row !== undefined) waiting.set(id, { ...row, attempts: row.attempts + 1, dueMs: write.settlement.dueMs });
      }
      return Promise.resolve();
    },
    due: async (_sink, nowMs, limit, heldNow, farMs = Infinity) => {
      state.dueCalls += 1;
      if (state.storeDown) throw new StoreUnavailable('disk full');
      // As it was when the store was asked: another thread does not see what is held since.
      const held = new Set(heldNow);
      await state.cutting;
      const rows = [...waiting.values()].sort((a, b) => a.dueMs - b.dueMs);
      const due = rows.filter((row) => (row.dueMs <= nowMs || row.dueMs > farMs) && !held.has(idOf(row)));
      const next = due[limit] ?? rows.find((row) => row.dueMs > nowMs && row.dueMs <= farMs);
      await state.reading;
      return { deliveries: due.slice(0, limit), nextDueMs: next?.dueMs ?? null };
    },
  };
  const facts: string[] = [];
  const lane = new Lane({
    name: 's',
    sink,
    store,
    render: () => null,
    view: (event) => ({
      id: event.id,
      source: event.source,
      type: event.type,
      severity: null,
      name: null,
      message: null,
      cluster: { id: null, name: null },
      time: null,
      data: null,
      body: null,
      receivedAt: '',
    }),
    redact: (text) => text,
    timeoutMs: 10_000,
    retry: { attempts: 5, initialMs: 1_000, maxMs: 60_000, maxAgeMs: 86_400_000 },
    concurrency: 2,
    batch: 1,
    pace: null,
    digest: null,
    ordered: false,
    deadTo: () => [],
    wake: (sinks) => facts.push(`wake ${sinks.join()}`),
    telemetry: {
      attempted: (fact) => facts.push(`${fact.deliveryId} ${fact.outcome.kind} → ${fact.settlement.state}`),
      laneHeld: (fact) => facts.push(`held ${fact.cause}`),
      lanePaused: (fact) => facts.push(`paused ${fact.cause}`),
      laneResumed: () => facts.push('resumed'),
      backlogUnreadable: () => facts.push('unreadable'),
      backlogReadable: () => facts.push('readable'),
    },
    nowMs: Date.now,
    clockMs: () => performance.now(),
    random: () => 0.5,
    ...options,
  });
  /** As the ingress does: the store first, then the lane, which looks at what was stored together when all of it was. */
  const accept = (...deliveries: readonly DueDelivery[]): void => {
    for (const delivery of deliveries) {
      waiting.set(idOf(delivery), { ...delivery, dueMs: delivery.sinceMs });
      lane.offer(delivery);
    }
    if (vi.isFakeTimers()) vi.advanceTimersByTime(0);
  };
  return { lane, waiting, settled, sent, state, facts, accept };
}
