import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import type { Settlement } from '../../src/core/delivery.js';
import { createTelemetry } from '../../src/ops/telemetry.js';

function rig() {
  const lines: { level: string; message: string; fields: object }[] = [];
  const note = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  const registry = new Registry();
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  return { telemetry: createTelemetry({ log, registry }), lines, metrics: () => registry.metrics() };
}

const attempted = (outcome: Outcome, settlement: Settlement) => ({
  source: 'castai',
  sink: 'out',
  route: 'all',
  deliveryId: '1-0badcafe.0',
  eventId: 'evt_1',
  type: 'test',
  attempt: 2,
  durationMs: 12,
  outcome,
  settlement,
  ageMs: 40,
});

describe('telemetry', () => {
  it('writes one wide line an attempt, as severe as what follows from it', async () => {
    const { telemetry, lines, metrics } = rig();
    telemetry.attempted(attempted({ kind: 'delivered', answer: '200' }, { state: 'delivered' }));
    telemetry.attempted(attempted({ kind: 'retry', reason: 'http_503', answer: '503' }, { state: 'waiting', dueMs: 0, reason: 'http_503' }));
    telemetry.attempted(attempted({ kind: 'retry', reason: 'http_503', answer: '503' }, { state: 'dead', reason: 'attempts_exhausted' }));
    expect(lines).toMatchObject([
      {
        level: 'info',
        message: 'attempt',
        fields: { sink: 'out', deliveryId: '1-0badcafe.0', outcome: 'delivered', state: 'delivered', attempt: 2, durationMs: 12 },
      },
      { level: 'warn', message: 'attempt', fields: { outcome: 'retry', reason: 'http_503', state: 'waiting', dueMs: '1970-01-01T00:00:00.000Z' } },
      { level: 'error', message: 'attempt', fields: { outcome: 'retry', state: 'dead', reason: 'attempts_exhausted', answer: '503' } },
    ]);
    const text = await metrics();
    expect(text).toContain('castbridge_attempts_total{sink="out",outcome="retry"} 2');
    expect(text).toContain('castbridge_deliveries_total{sink="out",state="dead",reason="attempts_exhausted"} 1');
    expect(text).toContain('castbridge_delivery_lag_seconds_count{sink="out"} 1');
  });

  it('counts what was accepted, seen before, refused and misrouted', async () => {
    const { telemetry, lines, metrics } = rig();
    const event = { source: 'castai', type: 'test', id: 'evt_1' };
    telemetry.accepted({ ...event, uid: '1-0badcafe', deliveries: 2, durationMs: 3 });
    telemetry.duplicate(event);
    telemetry.refused({ source: 'castai', reason: 'signature', status: 401, detail: 'the timestamp is 400 s old' });
    telemetry.misrouted({ ...event, uid: '1-0badcafe', reason: 'route_error', detail: 'No such key: nodes' });
    telemetry.secretUsed({ source: 'castai', secretIndex: 1 });
    const text = await metrics();
    for (const line of [
      'castbridge_events_accepted_total{source="castai"} 1',
      'castbridge_events_duplicate_total{source="castai"} 1',
      'castbridge_requests_refused_total{source="castai",reason="signature"} 1',
      'castbridge_events_misrouted_total{source="castai",reason="route_error"} 1',
      'castbridge_secret_used_total{source="castai",secret="1"} 1',
      'castbridge_accept_duration_seconds_count 1',
    ])
      expect(text).toContain(line);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['debug', 'event accepted'],
      ['info', 'event seen before'],
      ['warn', 'request refused'],
      ['error', 'event kept, but not routed'],
    ]);
  });

  it('T55: says when the store fails and when it works again', async () => {
    const { telemetry, lines, metrics } = rig();
    expect(await metrics()).toContain('castbridge_store_up 1');
    telemetry.storeFailing({ detail: 'database or disk is full' });
    expect(await metrics()).toContain('castbridge_store_up 0');
    telemetry.storeRecovered({ downMs: 1_200 });
    expect(await metrics()).toContain('castbridge_store_up 1');
    expect(lines.map(({ level }) => level)).toEqual(['error', 'info']);
  });

  it('T11: says what was found in a damaged store, and where the damaged files are', async () => {
    const { telemetry, lines, metrics } = rig();
    telemetry.commitsLost({ frames: 9, commits: 2, copy: 'bridge.db-wal.damaged-1' });
    telemetry.storeDamaged({ detail: 'a page' });
    telemetry.storeSalvaged({
      kept: 'bridge.db.damaged-1',
      events: 7,
      deliveries: 9,
      attempts: 0,
      eventsUnreadable: 3,
      eventsLost: 2,
      eventsToRoute: 1,
    });
    const text = await metrics();
    for (const line of [
      'castbridge_store_commits_lost_total 2',
      'castbridge_store_salvages_total 1',
      'castbridge_store_events_damaged_total{what="unreadable"} 3',
      'castbridge_store_events_damaged_total{what="lost"} 2',
      'castbridge_store_events_damaged_total{what="to_route"} 1',
    ])
      expect(text).toContain(line);
    expect(lines.map(({ level }) => level)).toEqual(['error', 'error', 'error']);
    expect(lines[2]?.fields).toMatchObject({ kept: 'bridge.db.damaged-1', events: 7 });
  });

  it('shows a sink that is held', async () => {
    const { telemetry, metrics } = rig();
    telemetry.laneHeld({ sink: 'out', cause: 'http_429', forMs: 30_000 });
    expect(await metrics()).toContain('castbridge_sink_held{sink="out"} 1');
    telemetry.laneResumed({ sink: 'out' });
    expect(await metrics()).toContain('castbridge_sink_held{sink="out"} 0');
  });

  it('shows a sink that is paused, as an error: a person has to act', async () => {
    const { telemetry, metrics, lines } = rig();
    telemetry.lanePaused({ sink: 'out', cause: 'http_410', forMs: 900_000 });
    expect(await metrics()).toContain('castbridge_sink_paused{sink="out"} 1');
    expect(lines).toMatchObject([{ level: 'error', fields: { sink: 'out', cause: 'http_410' } }]);
    telemetry.laneResumed({ sink: 'out' });
    expect(await metrics()).toContain('castbridge_sink_paused{sink="out"} 0');
  });

  it('counts commits, and how long they take', async () => {
    const { telemetry, metrics } = rig();
    telemetry.committed({ events: 7, settlements: 3, durationMs: 2 });
    const text = await metrics();
    expect(text).toContain('castbridge_store_committed_events_total 7');
    expect(text).toContain('castbridge_store_commit_duration_seconds_count 1');
  });
});
