import { StoreUnavailable, type Store } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';

/** A probe writes and syncs: several askers within this time share one. */
const PROBE_SHARED_MS = 1_000;

/** How many problems of a refused configuration are shown: the log has them all. */
const NOTED_MAX = 10;

/** `reasons`: why it is not ready. `notes`: what a person should know although it is. */
export interface ReadyAnswer {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

/** Is the bridge started, not stopping, and does its store write and read? */
export interface Readiness {
  /** From now on it serves, with this store. */
  readonly on: (store: Pick<Store, 'probe'>) => void;
  readonly off: () => void;
  readonly ask: () => Promise<ReadyAnswer>;
  /** The facts it goes by, beside its own probe. */
  readonly facts: Pick<
    Telemetry,
    | 'backlogUnreadable'
    | 'backlogReadable'
    | 'laneHeld'
    | 'lanePaused'
    | 'laneResumed'
    | 'laneEnded'
    | 'reloaded'
    | 'reloadRefused'
    | 'pollStopped'
    | 'pollEnded'
  >;
}

export function createReadiness(nowMs: () => number): Readiness {
  let serving: Pick<Store, 'probe'> | null = null;
  let probed: { readonly atMs: number; readonly fault: Promise<string | null> } | undefined;
  const unreadable = new Map<string, string>();
  const stopped = new Map<string, string>();
  const paused = new Map<string, string>();
  let refused: readonly string[] = [];
  const notes = (): string[] => [
    ...refused,
    ...[...stopped].map(([source, detail]) => `the source "${source}" is not asked any more: ${detail}`),
    ...[...paused].map(([sink, cause]) => `the sink "${sink}" is paused (${cause}): its far side wants nothing any more; what waits for it is kept`),
  ];

  const probe = (store: Pick<Store, 'probe'>): Promise<string | null> => {
    const ageMs = nowMs() - (probed?.atMs ?? -Infinity);
    if (probed === undefined || ageMs > PROBE_SHARED_MS || ageMs < 0) probed = { atMs: nowMs(), fault: faultOf(store) };
    return probed.fault;
  };

  return {
    on: (store) => {
      serving = store;
    },
    off: () => {
      serving = null;
    },
    async ask() {
      if (serving === null) return { ready: false, reasons: ['the bridge is starting or stopping'], notes: notes() };
      const fault = await probe(serving);
      const backlogs = [...unreadable].map(([sink, detail]) => `what waits for the sink "${sink}" cannot be read: ${detail}`);
      const reasons = fault === null ? backlogs : [fault, ...backlogs];
      return { ready: reasons.length === 0, reasons, notes: notes() };
    },
    facts: {
      backlogUnreadable: ({ sink, detail }) => void unreadable.set(sink, detail),
      backlogReadable: ({ sink }) => void unreadable.delete(sink),
      lanePaused: ({ sink, cause }) => void paused.set(sink, cause),
      laneHeld: ({ sink }) => void paused.delete(sink),
      laneResumed: ({ sink }) => void paused.delete(sink),
      laneEnded: ({ sink }) => {
        unreadable.delete(sink);
        paused.delete(sink);
      },
      pollStopped: ({ source, detail }) => void stopped.set(source, detail),
      pollEnded: ({ source }) => void stopped.delete(source),
      reloaded: () => {
        refused = [];
      },
      reloadRefused: ({ problems }) => {
        const at = new Date(nowMs()).toISOString();
        refused = [`the configuration that was read at ${at} was refused; the one before it is in force`, ...problems.slice(0, NOTED_MAX)];
      },
    },
  };
}

function faultOf(store: Pick<Store, 'probe'>): Promise<string | null> {
  return store.probe().then(
    () => null,
    (error: unknown) => (error instanceof StoreUnavailable ? `the store does not work: ${error.message}` : String(error)),
  );
}
