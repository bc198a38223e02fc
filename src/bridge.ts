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
import { createReadiness, type Readiness } from './ops/readiness.js';
import { createTelemetry } from './ops/telemetry.js';

/** Pause before a store that cannot be written is asked again. */
const WRITE_AGAIN_MS = 1_000;

/** A running bridge. */
export interface Bridge {
  readonly ingressUrl: string;
  readonly operationsUrl: string;
  /** Takes no more requests, lets what is under way end within the grace time, and closes everything in reverse order of opening. */
  stop(): Promise<void>;
}

/** Opens everything in the order an event needs it, the last thing first; what fails to open closes what is open already. */
export async function startBridge(config: Configuration, deps: { readonly log: Log }): Promise<Bridge> {
  const { log } = deps;
  const nowMs = Date.now;
  const registry = new Registry();
  const lanes = new Map<string, Lane>();
  const readiness = createReadiness(nowMs);
  const telemetry = watched(createTelemetry({ log, registry }), readiness, lanes);
  const closing: (() => Promise<void>)[] = [];
  let stopMs = Infinity;
  /** What is left of the grace time: one for all that has to end. */
  const graceMs = (): number => Math.max(0, stopMs + config.shutdownMs - performance.now());
  const stop = async (): Promise<void> => {
    stopMs = Math.min(stopMs, performance.now());
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  };

  try {
    const limits = { retentionMs: config.storage.retentionMs, dedupWindowMs: config.dedupWindowMs };
    const store = await config.storage.kind.open(config.storage.config, { limits, telemetry });
    closing.push(() => store.close());
    const killing = new AbortController();
    const killed = (await killOrphans(store, config.sinks, log)) ? Promise.resolve() : killOrphansLater(store, config.sinks, log, killing.signal);
    closing.push(async () => {
      killing.abort();
      await killed;
    });

    const view = createView(kinds.formats);
    const route = (event: Parameters<typeof config.table.route>[0]) => config.table.route(event).owes;
    const redact = createRedact(config.secrets);
    for (const sink of config.sinks) lanes.set(sink.name, openLane(sink, { store, telemetry, view, redact, log, nowMs }));
    const replayer = createReplayer({
      store,
      view,
      route,
      nowMs,
      isConfigured: (sink) => lanes.has(sink),
      wake: (sink) => lanes.get(sink ?? '')?.wake(),
    });
    const operations = createOperations({ store, replayer, ready: readiness.ask, registry, token: config.operations.token, log });
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
      readiness.off();
      return Promise.resolve();
    });
    readiness.on(store);
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

/** T14: what waits for a sink that is not configured any more would wait for ever. False: the store cannot be written yet. */
async function killOrphans(store: Store, sinks: readonly SinkConfiguration[], log: Log): Promise<boolean> {
  try {
    const names = sinks.map((sink) => sink.name);
    const killed = await store.killOrphans(names, Date.now());
    if (killed > 0)
      log.error(
        { deliveries: killed },
        'deliveries to sinks that are not configured any more are dead letters now (sink_removed): replay or leave them',
      );
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}

/** The write that also finds out, while no event comes in, that the store works again. */
async function killOrphansLater(store: Store, sinks: readonly SinkConfiguration[], log: Log, signal: AbortSignal): Promise<void> {
  do await pause(WRITE_AGAIN_MS, signal);
  while (!signal.aborted && !(await killOrphans(store, sinks, log)));
}

/** The telemetry, with what follows from some of its facts. */
function watched(telemetry: Telemetry, { facts }: Readiness, lanes: ReadonlyMap<string, Lane>): Telemetry {
  return {
    ...telemetry,
    backlogUnreadable: (fact) => {
      telemetry.backlogUnreadable(fact);
      facts.backlogUnreadable(fact);
    },
    backlogReadable: (fact) => {
      telemetry.backlogReadable(fact);
      facts.backlogReadable(fact);
    },
    storeRecovered: (fact) => {
      telemetry.storeRecovered(fact);
      // A commit whose answer was lost has left deliveries that no lane was told of; the sender's next try is a duplicate.
      for (const lane of lanes.values()) lane.wake();
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
