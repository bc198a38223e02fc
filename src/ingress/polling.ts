import { isDeepStrictEqual } from 'node:util';
import type { Poller, PollerKind, ReadingSource } from '../core/source.js';
import { StoreUnavailable, type Store } from '../core/store.js';
import { pause } from '../core/pause.js';
import { follow, judge, type Keeping } from './keep.js';

/** A source that is asked for its events. `reads`: whose they are. `config`: what tells one from another. */
export interface PolledSource {
  readonly name: string;
  readonly reads: ReadingSource;
  readonly kind: Pick<PollerKind<unknown>, 'open'>;
  readonly config: unknown;
}

/** What polling needs. */
export interface PollingDependencies extends Keeping {
  readonly store: Pick<Store, 'acceptTogether' | 'checkpoint'>;
  readonly random: () => number;
}

/** All sources that are asked for their events. */
export interface Pollings {
  /**
   * From now on these are asked. One that is the same goes on where it is, and is asked at once where it waits for something new; one that was stopped by what
   * it was answered is asked again.
   */
  exchange(sources: readonly PolledSource[]): void;
  /** Resolves when none is asked any more. */
  stop(): Promise<void>;
}

interface Polling {
  readonly isOver: () => boolean;
  /** Goes on as this one where it is the same; false: it is another. */
  readonly goOnAs: (source: PolledSource) => boolean;
  /** Resolves when nothing of it is under way. */
  stop(): Promise<void>;
}

/** Between two failures: it doubles from the first to the last. */
const AGAIN_MS = 1_000;
const AGAIN_MS_MAX = 300_000;
/** A far side that asks for a longer pause is asked again after this one. */
const PAUSE_MS_MAX = 3_600_000;

export function createPollings(deps: PollingDependencies): Pollings {
  let running = new Map<string, Polling>();
  /** Of those that were let go of, one after the other: what is asked anew begins where the one before it has ended. */
  let ending: Promise<void> = Promise.resolve();
  let stopped = false;

  const change = async (sources: readonly PolledSource[]): Promise<void> => {
    const kept = new Map<string, Polling>();
    for (const source of sources) {
      const before = running.get(source.name);
      if (before?.isOver() === false && before.goOnAs(source)) kept.set(source.name, before);
    }
    await Promise.all([...running].flatMap(([name, polling]) => (kept.has(name) ? [] : [polling.stop()])));
    running = new Map(sources.map((source) => [source.name, kept.get(source.name) ?? startPolling(source, deps)]));
  };

  return {
    exchange: (sources) => {
      ending = ending.then(() => (stopped ? undefined : change(sources)));
    },
    async stop() {
      stopped = true;
      await ending;
      await Promise.all([...running.values()].map((polling) => polling.stop()));
    },
  };
}

/** Asks until it is stopped, or nothing but a person can mend it. What was answered is kept before the next question, in one transaction with how far it has been read. */
function startPolling(source: PolledSource, deps: PollingDependencies): Polling {
  const stopping = new AbortController();
  const poller = source.kind.open(source.config);
  let current = source;
  let waking = new AbortController();
  let over = false;
  const rest = async (ms: number): Promise<void> => {
    waking = new AbortController();
    await pause(ms, AbortSignal.any([stopping.signal, waking.signal]));
  };
  const ended = poll(() => current, { poller, rest, signal: stopping.signal }, deps)
    .catch((error: unknown) => deps.log.error({ source: source.name, error }, 'a source is not asked any more, by a fault of castbridge'))
    .finally(() => {
      over = true;
      return poller.close();
    });
  return {
    isOver: () => over,
    goOnAs(next) {
      if (next.kind !== source.kind || !isDeepStrictEqual(next.config, source.config)) return false;
      current = next;
      waking.abort();
      return true;
    },
    async stop() {
      stopping.abort();
      await ended;
      deps.telemetry.pollEnded({ source: source.name });
    },
  };
}

/** What a source is asked by. `rest`: waits, unless it is asked sooner. */
interface Means {
  readonly poller: Poller;
  readonly rest: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

async function poll(source: () => PolledSource, { poller, rest, signal }: Means, deps: PollingDependencies): Promise<void> {
  const { name } = source();
  const { telemetry, nowMs } = deps;
  let state: string | undefined;
  let failures = 0;
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    const result = await once(source(), poller, state, deps, signal);
    if (isStopped()) return;
    if (result.state !== undefined) state = result.state;
    if (result.kind === 'stopped') {
      telemetry.pollStopped({ source: name, detail: result.detail });
      return;
    }
    if (result.kind === 'failed') {
      failures += 1;
      const backoffMs = Math.min(AGAIN_MS * 2 ** (failures - 1), AGAIN_MS_MAX) * (0.5 + deps.random() / 2);
      const againMs = Math.min(Math.max(result.waitMs ?? 0, backoffMs), PAUSE_MS_MAX);
      telemetry.pollFailed({ source: name, detail: result.detail, failures, againMs: Math.round(againMs) });
      await pause(againMs, signal);
      continue;
    }
    // A page that brought nothing new before the one that failed is no sign that it is over.
    if (result.fresh > 0 || result.waitMs > 0) failures = 0;
    telemetry.polled({ source: name, events: result.events, fresh: result.fresh, atMs: nowMs() });
    if (result.waitMs > 0) await rest(result.waitMs);
  }
}

/** What one question came to, all of it done. `state` is what the next one begins with; undefined: it is to be read from the store. */
type Asked =
  | { readonly kind: 'kept'; readonly state: string; readonly events: number; readonly fresh: number; readonly waitMs: number }
  | { readonly kind: 'failed'; readonly state?: string; readonly detail: string; readonly waitMs: number | null }
  | { readonly kind: 'stopped'; readonly state?: undefined; readonly detail: string };

async function once(source: PolledSource, poller: Poller, known: string | undefined, deps: PollingDependencies, signal: AbortSignal): Promise<Asked> {
  try {
    const before = known ?? (await deps.store.checkpoint(source.name));
    const answer = await poller.ask(before, deps.nowMs(), signal);
    if (answer.kind !== 'events') return answer;
    // Asked for while it was being stopped: whoever asks next is given the same.
    if (signal.aborted) return { kind: 'failed', detail: 'it is being stopped', waitMs: null };
    const { bodies, state, waitMs, note } = answer;
    if (note !== undefined) deps.log.warn({ source: source.name, note }, 'source that is asked');
    const receivedMs = deps.nowMs();
    const judged = bodies.map((body) => judge(source.reads, { body, headers: {}, receivedMs }, deps.route));
    const receipts = await deps.store.acceptTogether(
      judged.map(({ arrival }) => arrival),
      { source: source.name, state },
    );
    const fresh = judged.flatMap((one, at) => (receipts[at]?.kind === 'stored' ? [{ one, receipt: receipts[at] }] : []));
    // What comes again by the overlap is no news.
    for (const { one, receipt } of fresh) follow(one, receipt, deps);
    return { kind: 'kept', state, events: bodies.length, fresh: fresh.length, waitMs };
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: 'failed', detail: `the store cannot write: ${error.message}`, waitMs: null };
    throw error;
  }
}
