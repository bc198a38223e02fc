import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import type { Configuration, SinkConfiguration } from './config/configuration.js';
import type { Log } from './core/sink.js';
import { originOf } from './core/origin.js';
import { StoreUnavailable, type Store } from './core/store.js';
import type { Telemetry } from './core/telemetry.js';
import { Lane } from './delivery/lane.js';
import { pause } from './delivery/pause.js';
import { keepPruning } from './delivery/pruner.js';
import { createRedact } from './core/redact.js';
import { createReplayer } from './delivery/replay.js';
import { createView } from './delivery/view.js';
import { createIngress } from './ingress/ingress.js';
import { kinds } from './kinds.js';
import { createOperations } from './ops/operations.js';
import { createTelemetry } from './ops/telemetry.js';

/** A running bridge. */
export interface Bridge {
  readonly ingressUrl: string;
  readonly operationsUrl: string;
  /** Takes no more requests, lets what is under way end within the grace time, and closes everything in reverse order of opening. */
  stop(): Promise<void>;
}

/** A readiness probe writes and syncs: several askers within this time share one. */
const PROBE_SHARED_MS = 1_000;

/** Opens everything in the order an event needs it, the last thing first; what fails to open closes what is open already. */
export async function startBridge(config: Configuration, deps: { readonly log: Log }): Promise<Bridge> {
  const { log } = deps;
  const nowMs = Date.now;
  const registry = new Registry();
  const telemetry = createTelemetry({ log, registry });
  const closing: (() => Promise<void>)[] = [];
  let stopMs = Infinity;
  /** What is left of the grace time: one for all that has to end. */
  const graceMs = (): number => Math.max(0, stopMs + config.shutdownMs - performance.now());
  const stop = async (): Promise<void> => {
    stopMs = Math.min(stopMs, performance.now());
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  };

  const lanes = new Map<string, Lane>();

  try {
    const limits = { retentionMs: config.storage.retentionMs, dedupWindowMs: config.dedupWindowMs };
    const unreadable = new Map<string, string>();
    const watching: typeof telemetry = {
      ...telemetry,
      backlogUnreadable: (fact) => {
        telemetry.backlogUnreadable(fact);
        unreadable.set(fact.sink, fact.detail);
      },
      backlogReadable: (fact) => {
        telemetry.backlogReadable(fact);
        unreadable.delete(fact.sink);
      },
      storeRecovered: (fact) => {
        telemetry.storeRecovered(fact);
        // A commit whose answer was lost has left deliveries that no lane was told of; the sender's next try is a duplicate.
        for (const lane of lanes.values()) lane.wake();
      },
    };
    const store = await config.storage.kind.open(config.storage.config, { limits, telemetry: watching });
    closing.push(() => store.close());
    await killOrphans(store, config.sinks, log);

    const view = createView(kinds.formats);
    const route = (event: Parameters<typeof config.table.route>[0]) => config.table.route(event).owes;
    const redact = createRedact(config.secrets);
    for (const sink of config.sinks) lanes.set(sink.name, openLane(sink, { store, telemetry: watching, view, redact, log, nowMs }));
    const replayer = createReplayer({
      store,
      view,
      route,
      nowMs,
      isConfigured: (sink) => lanes.has(sink),
      wake: (sink) => lanes.get(sink ?? '')?.wake(),
    });
    const ready = createReadiness(store, unreadable, nowMs);
    const operations = createOperations({ store, replayer, ready: ready.ask, registry, token: config.operations.token, log });
    const operationsUrl = await listen(operations, config.operations.host, config.operations.port);
    closing.push(() => close(operations));

    const pruning = new AbortController();
    const pruned = keepPruning(store, nowMs, pruning.signal);
    closing.push(async () => {
      pruning.abort();
      await pruned;
    });

    for (const lane of lanes.values()) lane.start();
    closing.push(async () => {
      await Promise.all([...lanes.values()].map((lane) => lane.stop(graceMs())));
    });

    const ingress = createIngress({
      sources: config.sources,
      limits: config.server,
      store,
      route,
      telemetry,
      log,
      nowMs,
      onStored: (event, owes) => {
        owes.forEach((owed, index) => {
          if (owed.state !== 'waiting') return;
          lanes.get(owed.sink)?.offer({ index, route: owed.route, sink: owed.sink, event, attempts: 0, sinceMs: event.receivedMs });
        });
      },
    });
    const ingressUrl = await listen(ingress.server, config.server.host, config.server.port);
    closing.push(async () => {
      const drained = new AbortController();
      await Promise.race([ingress.drain().finally(() => drained.abort()), pause(graceMs(), drained.signal)]);
      await ingress.close();
    });
    closing.push(() => {
      ready.off();
      return Promise.resolve();
    });
    ready.on();
    return { ingressUrl, operationsUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface LaneParts {
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly view: ReturnType<typeof createView>;
  readonly redact: ReturnType<typeof createRedact>;
  readonly log: Log;
  readonly nowMs: () => number;
}

function openLane({ name, kind, config, render, lane }: SinkConfiguration, parts: LaneParts): Lane {
  const sink = kind.open(config, { name, log: parts.log });
  return new Lane({ ...parts, ...lane, name, sink, render, clockMs: () => performance.now(), random: Math.random });
}

/** T14: what waits for a sink that is not configured any more would wait for ever. */
async function killOrphans(store: Store, sinks: readonly SinkConfiguration[], log: Log): Promise<void> {
  const killed = await store.killOrphans(
    sinks.map((sink) => sink.name),
    Date.now(),
  );
  if (killed > 0)
    log.error(
      { deliveries: killed },
      'deliveries to sinks that are not configured any more are dead letters now (sink_removed): replay or leave them',
    );
}

/** Ready: started, not stopping, and the store writes and reads. */
function createReadiness(store: Store, unreadable: ReadonlyMap<string, string>, nowMs: () => number) {
  let serving = false;
  let probed: { readonly atMs: number; readonly result: Promise<readonly string[]> } | undefined;
  const probe = (): Promise<readonly string[]> =>
    store.probe().then(
      () => [],
      (error: unknown) => [error instanceof StoreUnavailable ? `the store does not work: ${error.message}` : String(error)],
    );
  return {
    on: () => void (serving = true),
    off: () => void (serving = false),
    ask: async (): Promise<{ ready: boolean; reasons: readonly string[] }> => {
      if (!serving) return { ready: false, reasons: ['the bridge is starting or stopping'] };
      if (probed === undefined || nowMs() - probed.atMs > PROBE_SHARED_MS || nowMs() < probed.atMs) probed = { atMs: nowMs(), result: probe() };
      const backlogs = [...unreadable].map(([sink, detail]) => `what waits for the sink "${sink}" cannot be read: ${detail}`);
      const reasons = [...(await probed.result), ...backlogs];
      return { ready: reasons.length === 0, reasons };
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return originOf(address.address, address.port);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
