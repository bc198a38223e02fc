import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DEAD } from '../core/delivery.js';
import type { Log } from '../core/sink.js';
import type { Telemetry } from '../core/telemetry.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600, 21_600, 86_400];

/** The one implementation of the facts: log lines with a constant message, and metrics. info: an operator did it or must know; warn: it will be tried again; error: a person must act. */
export function createTelemetry({ log, registry }: { readonly log: Log; readonly registry: Registry }): Telemetry {
  const count = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `castbridge_${name}`, help, labelNames, registers: [registry] });
  const time = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name: `castbridge_${name}`, help, labelNames, buckets, registers: [registry] });
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `castbridge_${name}`, help, labelNames, registers: [registry] });

  const accepted = count('events_accepted_total', 'Events on stable storage, acknowledged', ['source']);
  const acceptTime = time('accept_duration_seconds', 'From the whole request to the answer', [], SECONDS);
  const duplicates = count('events_duplicate_total', 'Events seen before', ['source']);
  const refused = count('requests_refused_total', 'Requests that were not accepted', ['source', 'reason']);
  const misrouted = count('events_misrouted_total', 'Events that no row matched, or whose row could not be evaluated', ['source', 'reason']);
  const secrets = count('secret_used_total', 'Authentic requests by the position of the secret that matched', ['source', 'secret']);
  const attempts = count('attempts_total', 'Attempts by what they came to', ['sink', 'outcome']);
  const deliveries = count('deliveries_total', 'Deliveries that ended', ['sink', 'state', 'reason']);
  const attemptTime = time('attempt_duration_seconds', 'How long attempts took', ['sink'], SECONDS);
  const lag = time('delivery_lag_seconds', 'From receiving an event to delivering it', ['sink'], LAG_SECONDS);
  const held = gauge('sink_held', '1 while a sink is held by its breaker or a Retry-After', ['sink']);
  const paused = gauge('sink_paused', '1 while a sink is paused because its far side wants nothing any more', ['sink']);
  const unreadable = gauge('sink_backlog_unreadable', '1 while a sink cannot read what waits for it', ['sink']);
  const polls = count('polls_total', 'Questions to sources that are asked for their events', ['source', 'outcome']);
  const pollUp = gauge('poll_up', '1 while a source that is asked for its events answers', ['source']);
  const polledAt = gauge('poll_answered_timestamp_seconds', 'When a source that is asked for its events answered last', ['source']);
  const commitTime = time('store_commit_duration_seconds', 'How long commits took', [], SECONDS);
  const committedEvents = count('store_committed_events_total', 'Events in commits', []);
  const storeUp = gauge('store_up', '1 while the store writes', []);
  const reloads = count('config_reloads_total', 'Configurations that were read while the bridge runs, by what came of them', ['outcome']);
  const inForce = gauge('config_in_force', '1 while the configuration that was read last is the one in force', []);
  const loaded = gauge('config_loaded_timestamp_seconds', 'When the configuration in force was read', []);
  storeUp.set(1);
  const commitsLost = count('store_commits_lost_total', 'Acknowledged commits that damage of the write-ahead log made unreadable', []);
  const salvages = count('store_salvages_total', 'Times a damaged file of the store was salvaged', []);
  const eventsDamaged = count('store_events_damaged_total', 'Events that a salvage found unreadable, lost, or without some of their deliveries', [
    'what',
  ]);
  inForce.set(1);
  loaded.setToCurrentTime();
  // There before the first reload: an increase from nothing is none.
  for (const outcome of ['taken', 'refused']) reloads.inc({ outcome }, 0);

  return {
    accepted(fact) {
      accepted.inc({ source: fact.source });
      acceptTime.observe(fact.durationMs / 1000);
      log.debug(fact, 'event accepted');
    },
    duplicate(fact) {
      duplicates.inc({ source: fact.source });
      log.info(fact, 'event seen before');
    },
    refused(fact) {
      refused.inc({ source: fact.source, reason: fact.reason });
      log.warn(fact, 'request refused');
    },
    misrouted(fact) {
      misrouted.inc({ source: fact.source, reason: fact.reason });
      log.error(fact, 'event kept, but not routed');
    },
    secretUsed: ({ source, secretIndex }) => secrets.inc({ source, secret: secretIndex }),
    attempted(fact) {
      const { sink, durationMs, ageMs, outcome, settlement } = fact;
      attempts.inc({ sink, outcome: outcome.kind });
      attemptTime.observe({ sink }, durationMs / 1000);
      if (settlement.state === 'delivered') lag.observe({ sink }, ageMs / 1000);
      if (settlement.state !== 'waiting')
        deliveries.inc({ sink, state: settlement.state, reason: settlement.state === 'dead' ? settlement.reason : '' });
      switch (settlement.state) {
        case 'delivered':
          log.info(attemptLine(fact), 'attempt');
          return;
        case 'waiting':
          log.warn({ ...attemptLine(fact), ...settlement, dueMs: new Date(settlement.dueMs).toISOString() }, 'attempt');
          return;
        case 'dead':
          log.error({ ...attemptLine(fact), ...settlement }, 'attempt');
          return;
      }
    },
    polled({ atMs, ...fact }) {
      polls.inc({ source: fact.source, outcome: 'answered' });
      pollUp.set({ source: fact.source }, 1);
      polledAt.set({ source: fact.source }, atMs / 1000);
      log.debug(fact, 'source asked');
    },
    pollFailed(fact) {
      polls.inc({ source: fact.source, outcome: 'failed' });
      pollUp.set({ source: fact.source }, 0);
      log.warn(fact, 'source could not be asked: it is tried again');
    },
    pollStopped(fact) {
      polls.inc({ source: fact.source, outcome: 'stopped' });
      pollUp.set({ source: fact.source }, 0);
      log.error(fact, 'source is not asked any more: mend what it says, then have the configuration read again');
    },
    pollEnded({ source }) {
      pollUp.remove({ source });
      polledAt.remove({ source });
    },
    laneHeld(fact) {
      held.set({ sink: fact.sink }, 1);
      paused.set({ sink: fact.sink }, 0);
      log.warn(fact, 'sink held');
    },
    lanePaused(fact) {
      held.set({ sink: fact.sink }, 1);
      paused.set({ sink: fact.sink }, 1);
      log.error(fact, 'sink paused: its far side wants nothing any more; what waits for it is kept: mend its url, or remove the sink');
    },
    laneResumed(fact) {
      held.set({ sink: fact.sink }, 0);
      paused.set({ sink: fact.sink }, 0);
      log.info(fact, 'sink goes on');
    },
    backlogUnreadable(fact) {
      unreadable.set({ sink: fact.sink }, 1);
      log.error(fact, 'the store cannot be read: what waits for the sink is sent when it can');
    },
    backlogReadable(fact) {
      unreadable.set({ sink: fact.sink }, 0);
      log.info(fact, 'the store can be read again');
    },
    laneEnded({ sink }) {
      held.remove({ sink });
      paused.remove({ sink });
      unreadable.remove({ sink });
    },
    orphansKilled(fact) {
      deliveries.inc({ sink: '', state: 'dead', reason: DEAD.sinkRemoved }, fact.deliveries);
      log.error(fact, 'deliveries to sinks that are not configured any more are dead letters now (sink_removed): replay or leave them');
    },
    reloaded(fact) {
      reloads.inc({ outcome: 'taken' });
      inForce.set(1);
      loaded.setToCurrentTime();
      log.info(fact, 'configuration reloaded');
    },
    reloadRefused(fact) {
      reloads.inc({ outcome: 'refused' });
      inForce.set(0);
      log.error(fact, 'configuration refused: the one in force stays');
    },
    committed({ events, durationMs }) {
      commitTime.observe(durationMs / 1000);
      committedEvents.inc(events);
    },
    storeFailing(fact) {
      storeUp.set(0);
      log.error(fact, 'the store cannot write: events are answered 503 until it can');
    },
    storeRecovered(fact) {
      storeUp.set(1);
      log.info(fact, 'the store writes again');
    },
    commitsLost(fact) {
      commitsLost.inc(fact.commits);
      log.error(fact, 'the store’s write-ahead log is damaged: what the last commits held may be lost; a copy of it is kept');
    },
    storeDamaged(fact) {
      log.error(fact, 'the store is damaged: it is being salvaged, and events are answered 503 until it is');
    },
    storeSalvaged(fact) {
      salvages.inc();
      eventsDamaged.inc({ what: 'unreadable' }, fact.eventsUnreadable);
      eventsDamaged.inc({ what: 'lost' }, fact.eventsLost);
      eventsDamaged.inc({ what: 'to_route' }, fact.eventsToRoute);
      log.error(fact, 'the store was damaged and is salvaged: the damaged file is kept; look for dead letters with the reason damaged');
    },
  };
}

/** Field by field: spreading an object costs microseconds, and this runs for every delivery. */
function attemptLine(fact: Parameters<Telemetry['attempted']>[0]): object {
  const { source, sink, route, deliveryId, eventId, type, attempt, durationMs, ageMs, outcome, settlement } = fact;
  const { kind, answer } = outcome;
  return { source, sink, route, deliveryId, eventId, type, attempt, durationMs, ageMs, outcome: kind, answer, state: settlement.state };
}
