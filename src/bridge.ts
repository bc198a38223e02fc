import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { changesBetween, keysBoundAtStart, type Changes } from './config/changes.js';
import type { Configuration, SinkConfiguration } from './config/configuration.js';
import { lineOf } from './config/finding.js';
import type { Loaded } from './config/load.js';
import { writeSecretFiles } from './config/secret-files.js';
import type { EventView, StoredEvent } from './core/event.js';
import type { Log } from './core/sink.js';
import { originOf } from './core/origin.js';
import type { Owed, Store } from './core/store.js';
import type { Telemetry, Trigger } from './core/telemetry.js';
import { forwarding } from './delivery/forwarding.js';
import { inOrder } from './delivery/order-key.js';
import { Lane, type LaneDependencies } from './delivery/lane.js';
import { createLanes, type Lanes } from './delivery/lanes.js';
import { pause } from './core/pause.js';
import { newSlot, type PaceSlot } from './delivery/pace.js';
import { keepPruning } from './delivery/pruner.js';
import { createRedaction, type Redact, type Redaction } from './core/redact.js';
import { createReplayer } from './delivery/replay.js';
import { createView, type View } from './delivery/view.js';
import { createIngress, type Ingress, type IngressConfiguration } from './ingress/ingress.js';
import { createPollings, type Pollings } from './ingress/polling.js';
import { kinds } from './kinds.js';
import { createFeed, fed } from './ops/feed.js';
import { createOperations } from './ops/operations.js';
import { createReadiness } from './ops/readiness.js';
import { createTelemetry } from './ops/telemetry.js';
import { watched } from './ops/watched.js';

/** A running bridge. */
export interface Bridge {
  readonly ingressUrl: string;
  readonly operationsUrl: string;
  /**
   * Goes over to what was loaded, whole, or refuses it and stays as it is; the log, the metrics and `/readyz` say which. Done when it returns: the next request
   * goes by it. Sinks that were changed or removed end what they are sending behind it, within the grace time.
   */
  reload(loaded: Loaded, trigger: Trigger): Reloaded;
  /** Takes no more requests, lets what is under way end within the grace time, and closes everything in reverse order of opening. */
  stop(): Promise<void>;
}

/** What came of a reload; texts are as they are logged. */
export type Reloaded =
  | { readonly ok: true; readonly changes: Changes; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly stopping?: true };

interface BridgeDependencies {
  readonly log: Log;
  /** Reads the configuration again, and has the bridge go over to it: for `POST /-/reload`. */
  readonly reloadFile: () => Promise<Reloaded>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens everything in the order an event needs it, the last thing first; what fails to open closes what is open already. */
export async function startBridge(config: Configuration, { log, reloadFile, env }: BridgeDependencies): Promise<Bridge> {
  const nowMs = Date.now;
  const registry = new Registry();
  const readiness = createReadiness(nowMs);
  const redaction = createRedaction();
  const closing: (() => Promise<void>)[] = [];
  let inForce = config;
  let route = routeBy(config);
  let stopMs = Infinity;
  /** What is left of the grace time: one for all that has to end. */
  const graceMs = (): number => Math.max(0, stopMs + inForce.shutdownMs - performance.now());
  const stop = async (): Promise<void> => {
    stopMs = Math.min(stopMs, performance.now());
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  };

  try {
    const limits = { retentionMs: config.storage.retentionMs, dedupWindowMs: config.dedupWindowMs };
    let wakeLanes = (): void => undefined;
    const feed = createFeed();
    const telemetry = watched(fed(createTelemetry({ log, registry }), feed), readiness, () => wakeLanes());
    const store = await config.storage.kind.open(config.storage.config, { limits, telemetry });
    closing.push(() => store.close());

    const view = createView(kinds.formats, (source) => inForce.readers.get(source)?.format);
    const lanes = createLanes({ store, telemetry, deadTo: () => inForce.deadTo, nowMs });
    wakeLanes = () => lanes.wakeAll();
    redaction.add(config.secrets);
    const parts = {
      store,
      telemetry,
      view,
      redact: redaction.redact,
      log,
      nowMs,
      environment: env,
      slots: new Map<string, PaceSlot>(),
      deadTo: (sink: string) => deadToOf(inForce, sink),
      wake: (sinks: readonly string[]) => lanes.wake(sinks),
    };
    await lanes.exchange(openLanes(config.sinks, parts), [], 0);
    const replayer = createReplayer({
      store,
      view,
      route: (event) => route(event),
      nowMs,
      isConfigured: (sink) => lanes.has(sink),
      wake: (sink) => {
        if (sink !== null) lanes.wake([sink]);
      },
    });
    const operations = createOperations({
      store,
      replayer,
      feed,
      ready: readiness.ask,
      inForce: () => inForce,
      reload: reloadFile,
      registry,
      token: config.operations.token,
      log,
    });
    const operationsUrl = await listen(operations, config.operations.host, config.operations.port);
    closing.push(() => close(operations));

    const pruning = new AbortController();
    const pruned = keepPruning(store, nowMs, pruning.signal);
    closing.push(async () => {
      pruning.abort();
      await pruned;
    });

    lanes.start();
    closing.push(() => lanes.stop(graceMs()));

    const keeping = {
      route: (event: EventView) => route(event),
      onStored: (event: StoredEvent, owes: readonly Owed[], seen: EventView | null) => lanes.offer(event, owes, seen),
      store: forwarding(store, { deadTo: () => inForce.deadTo, wake: (sinks) => lanes.wake(sinks), redact: redaction.redact }),
      ...{ telemetry, log, nowMs },
    };
    const pollings = createPollings({ ...keeping, random: Math.random });
    pollings.exchange(config.pollers);
    closing.push(() => pollings.stop());

    const ingress = createIngress({
      ...keeping,
      ...ingressOf(config),
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

    const reload = (loaded: Loaded, trigger: Trigger): Reloaded => {
      const result = stopMs < Infinity ? STOPPING : goOver(inForce, loaded, { lanes, ingress, pollings, redaction, parts });
      if (!result.ok) {
        const problems = result.problems.map(redaction.redact);
        telemetry.reloadRefused({ trigger, problems });
        return { ...result, problems };
      }
      if (loaded.ok) [inForce, route] = [loaded.config, routeBy(loaded.config)];
      telemetry.reloaded({ trigger, ...result.changes });
      for (const warning of result.warnings) log.warn({ warning }, 'configuration');
      return result;
    };
    readiness.on(store);
    return { ingressUrl, operationsUrl, reload, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const STOPPING: Reloaded = { ok: false, stopping: true, problems: ['the bridge is stopping: it takes up no other configuration'] };

/** What runs by a configuration. */
interface Running {
  readonly lanes: Lanes;
  readonly ingress: Ingress;
  readonly pollings: Pollings;
  readonly redaction: Redaction;
  readonly parts: LaneParts;
}

/** What can fail comes first; from the first exchange on nothing does, and nothing comes in between. */
function goOver(before: Configuration, loaded: Loaded, { lanes, ingress, pollings, redaction, parts }: Running): Reloaded {
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(lineOf) };
  const next = loaded.config;
  const bound = keysBoundAtStart(before, next);
  if (bound.length > 0) return { ok: false, problems: bound.map((key) => `${next.file}  ${key}: ${BOUND}`) };
  const changes = changesBetween(before, next);
  const { added, changed, removed } = changes.sinks;
  let opened: readonly Lane[];
  try {
    writeSecretFiles(next.secretFiles);
    opened = openLanes(
      next.sinks.filter(({ name }) => added.includes(name) || changed.includes(name)),
      parts,
    );
  } catch (error) {
    return { ok: false, problems: [`${next.file}  ${error instanceof Error ? error.message : String(error)}`] };
  }
  redaction.add(next.secrets);
  ingress.exchange(ingressOf(next));
  pollings.exchange(next.pollers);
  void lanes.exchange(opened, removed, next.shutdownMs).then(() => redaction.remove(before.secrets));
  for (const { path } of next.secretFiles) parts.log.info({ path }, 'made a random webhook secret');
  return { ok: true, changes, warnings: loaded.warnings.map(lineOf) };
}

const BOUND = 'this is taken up at start alone; restart the bridge, or set it back to what it was';

interface LaneParts {
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly view: View;
  readonly redact: Redact;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly deadTo: (sink: string) => readonly string[];
  readonly wake: (sinks: readonly string[]) => void;
  /** What the pace of each far side has been used up to. */
  readonly slots: Map<string, PaceSlot>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** All or none. */
function openLanes(sinks: readonly SinkConfiguration[], parts: LaneParts): Lane[] {
  const opened: Lane[] = [];
  for (const one of sinks) {
    const { name, kind, config, render, lane } = one;
    try {
      const sink = kind.open(config, { name, timeoutMs: lane.timeoutMs, nowMs: parts.nowMs, environment: parts.environment, log: parts.log });
      opened.push(
        new Lane({
          ...parts,
          ...lane,
          ...pacingOf(one, parts.slots),
          deadTo: () => parts.deadTo(name),
          ordered: one.orderKey !== null,
          name,
          sink,
          render,
          clockMs: () => performance.now(),
          random: Math.random,
        }),
      );
    } catch (error) {
      for (const other of opened) void other.stop(0);
      throw new Error(`sinks.${name}: it cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return opened;
}

/** Sinks that their far side counts together share a slot; one that is changed by a reload keeps its own. */
function pacingOf({ name, kind, config, lane }: SinkConfiguration, slots: LaneParts['slots']): Pick<LaneDependencies, 'pace' | 'digest'> {
  const { pacePerSecond, burst, digest } = lane;
  const key = `${kind.type} ${kind.pacedBy?.(config) ?? name}`;
  const slot = slots.get(key) ?? newSlot();
  slots.set(key, slot);
  return {
    pace: pacePerSecond === null ? null : { perSecond: pacePerSecond, burst, slot },
    digest: digest === null || kind.digest === undefined ? null : { ...digest, digest: kind.digest },
  };
}

/** Sinks that the dead letters of a sink are forwarded to; of one that is gone, to those that all are. */
function deadToOf({ sinks, deadTo }: Configuration, name: string): readonly string[] {
  return sinks.find((sink) => sink.name === name)?.deadTo ?? deadTo;
}

function routeBy({ table, sinks }: Configuration): (event: EventView) => readonly Owed[] {
  const orderKeys = new Map(sinks.flatMap(({ name, orderKey }) => (orderKey === null ? [] : [[name, orderKey]])));
  if (orderKeys.size === 0) return (event) => table.route(event).owes;
  return (event) => table.route(event).owes.map((owed) => inOrder(owed, event, orderKeys));
}

function ingressOf(config: Configuration): IngressConfiguration {
  return { sources: config.sources, limits: config.server, route: routeBy(config) };
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
