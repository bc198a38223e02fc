import type { EventView, StoredEvent } from '../core/event.js';
import type { DueDelivery, Owed } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';
import type { Lane } from './lane.js';
import { createOrphans, type OrphanDependencies } from './orphans.js';

/** A parsed body takes several times the memory of its bytes: what a full queue holds of large ones is parsed again. */
const VIEW_BYTES_MAX = 16 * 1024;

/** What the lanes share. */
export interface LanesDependencies extends Omit<OrphanDependencies, 'spared' | 'wake' | 'telemetry'> {
  readonly telemetry: Pick<Telemetry, 'laneEnded' | 'orphansKilled'>;
}

/** One lane for each sink of the configuration in force; they can be exchanged while they run. */
export interface Lanes {
  has(sink: string): boolean;
  /** Begins to send. */
  start(): void;
  /** An event that was just stored, by whatever configuration it was routed: what it owes to a sink without a lane becomes a dead letter. */
  offer(event: StoredEvent, owes: readonly Owed[], view: EventView | null): void;
  /** Something was made due in the store for these sinks. */
  wake(sinks: readonly string[]): void;
  /** The store may hold what no lane was told of. */
  wakeAll(): void;
  /**
   * From its return on, `opened` stand in the place of the lanes of their names, and those of `removed` are gone; the others stay as they are.
   * A lane that was taken out lets end what it is sending, within the grace time, and gives the rest back: only then does the new one of its name send,
   * and what waits for a removed one become dead letters. Resolves when all that were taken out have ended.
   */
  exchange(opened: readonly Lane[], removed: readonly string[], graceMs: number): Promise<void>;
  /** Takes nothing up any more. Resolves when every lane has ended, those that were taken out before as well. */
  stop(graceMs: number): Promise<void>;
}

export function createLanes({ store, telemetry, deadTo, nowMs }: LanesDependencies): Lanes {
  const lanes = new Map<string, Lane>();
  /** Those that were taken out and have not ended. */
  const ending = new Map<Lane, Promise<void>>();
  // What an ending lane has in its hands is not an orphan yet.
  const spared = (): string[] => [...lanes.keys(), ...[...ending.keys()].map((lane) => lane.name)];
  const wake = (sinks: readonly string[]): void => {
    for (const sink of sinks) {
      const lane = lanes.get(sink);
      if (lane === undefined) orphans.kill();
      else lane.wake();
    }
  };
  const orphans = createOrphans({ store, telemetry, nowMs, spared, deadTo, wake });
  let running = false;

  const takeOut = (name: string, graceMs: number): void => {
    const lane = lanes.get(name);
    if (lane === undefined) return;
    lanes.delete(name);
    const ended = lane.stop(graceMs).then(() => {
      ending.delete(lane);
      telemetry.laneEnded({ sink: name });
      if (!lanes.has(name)) orphans.kill();
    });
    ending.set(lane, ended);
  };

  /** T20, T22: two lanes of one name never send at the same time; nor is one told what is made a dead letter at this moment. */
  const startAfterOthers = async (lane: Lane): Promise<void> => {
    const others = [...ending].filter(([{ name }]) => name === lane.name).map(([, ended]) => ended);
    await Promise.all([...others, orphans.untouched()]);
    lane.start();
  };

  return {
    has: (sink) => lanes.has(sink),

    start() {
      running = true;
      for (const lane of lanes.values()) lane.start();
      orphans.kill();
    },

    offer(event, owes, view) {
      const seen = view !== null && event.body.length <= VIEW_BYTES_MAX ? { view } : {};
      owes.forEach((owed, index) => {
        if (owed.state !== 'waiting') return;
        const lane = lanes.get(owed.sink);
        if (lane === undefined) orphans.kill();
        else lane.offer({ ...keyOf(owed), ...seen, index, route: owed.route, sink: owed.sink, event, attempts: 0, sinceMs: event.receivedMs });
      });
    },

    wake,

    wakeAll() {
      for (const lane of lanes.values()) lane.wake();
      orphans.kill();
    },

    async exchange(opened, removed, graceMs) {
      for (const name of [...removed, ...opened.map((lane) => lane.name)]) takeOut(name, graceMs);
      for (const lane of opened) lanes.set(lane.name, lane);
      if (running) for (const lane of opened) void startAfterOthers(lane);
      await Promise.all(ending.values());
    },

    async stop(graceMs) {
      running = false;
      await Promise.all([...lanes.values(), ...ending.keys()].map((lane) => lane.stop(graceMs)));
      await orphans.stop();
    },
  };
}

function keyOf({ orderKey }: Extract<Owed, { readonly state: 'waiting' }>): Pick<DueDelivery, 'orderKey'> {
  return orderKey === undefined ? {} : { orderKey };
}
