import { eventUidIn } from '../core/delivery.js';
import type { EventView, StoredEvent } from '../core/event.js';
import type { DeliveryFilter, DeliveryRow, Owed, Store } from '../core/store.js';

/** What came of a replay. */
export interface ReplayReport {
  /** Deliveries that wait again, and those a dead letter without a sink was turned into. */
  readonly replayed: number;
  readonly refused: readonly { readonly id: string; readonly why: string }[];
}

/** Brings dead letters, or deliveries in general, back to life. */
export interface Replayer {
  /** Ids of deliveries, or of events (the bridge's or the sender's): then all their dead deliveries. */
  replay(ids: readonly string[]): Promise<ReplayReport>;
  /** One page of what a filter selects, newest event first; `next` goes in as `before` for the following one. */
  replayPage(
    filter: DeliveryFilter & { readonly state: 'dead' | 'delivered' },
    before: string | null,
  ): Promise<ReplayReport & { readonly next: string | null }>;
}

/** What replaying works with. */
export interface ReplayDependencies {
  readonly store: Pick<Store, 'deliveries' | 'stories' | 'replay' | 'reroute'>;
  readonly view: (event: StoredEvent) => EventView | null;
  readonly route: (event: EventView) => readonly Owed[];
  /** Is there a lane for this sink? What waits for one that is not there waits for ever. */
  readonly isConfigured: (sink: string) => boolean;
  /** Told the sinks that have something due. */
  readonly wake: (sink: string | null) => void;
  readonly nowMs: () => number;
}

/** Rows of a listing handled at once. */
const PAGE = 500;

export function createReplayer(deps: ReplayDependencies): Replayer {
  const { store, isConfigured, wake, nowMs } = deps;

  /** Number of deliveries that wait again; a text: why there are none. */
  const replayOne = async (row: DeliveryRow): Promise<number | string> => {
    if (row.sink === null) return rerouteOne(row, deps);
    if (!isConfigured(row.sink)) return `the sink "${row.sink}" is not configured any more: put it back, then replay`;
    if (!(await store.replay(row, nowMs()))) return 'it is waiting already';
    return 1;
  };

  const replayRows = async (rows: readonly DeliveryRow[], report: { replayed: number; refused: { id: string; why: string }[] }): Promise<void> => {
    const results = await Promise.all(rows.map(async (row) => ({ row, result: await replayOne(row) })));
    for (const { row, result } of results) {
      if (typeof result === 'number') report.replayed += result;
      else report.refused.push({ id: row.deliveryId, why: result });
    }
    for (const sink of new Set(results.map(({ row }) => row.sink))) wake(sink);
  };

  return {
    async replay(ids) {
      const report = { replayed: 0, refused: [] as { id: string; why: string }[] };
      for (const id of ids) {
        const rows = await rowsOf(id, store);
        if (typeof rows === 'string') report.refused.push({ id, why: rows });
        else await replayRows(rows, report);
      }
      return report;
    },

    async replayPage(filter, before) {
      const report = { replayed: 0, refused: [] as { id: string; why: string }[] };
      const page = await store.deliveries(filter, PAGE, before);
      await replayRows(page.rows, report);
      return { ...report, next: page.next };
    },
  };
}

/** The deliveries an id stands for: one, where it names one; the dead ones of an event, where it names an event. */
async function rowsOf(id: string, store: ReplayDependencies['store']): Promise<readonly DeliveryRow[] | string> {
  const stories = await store.stories(id);
  if (stories.length > 0) {
    const dead = stories.flatMap((story) => story.deliveries).filter((row) => row.state === 'dead');
    return dead.length > 0 ? dead : 'the event has no dead delivery; name a delivery to send it again';
  }
  const uid = eventUidIn(id);
  const row =
    uid === null ? undefined : (await store.stories(uid)).flatMap((story) => story.deliveries).find((candidate) => candidate.deliveryId === id);
  return row === undefined ? 'there is no event and no delivery with this id' : [row];
}

/** An event that had no sink goes through today's formats and routing table. */
async function rerouteOne(row: DeliveryRow, { store, view, route, wake, nowMs }: ReplayDependencies): Promise<number | string> {
  const story = (await store.stories(row.eventUid))[0];
  if (story === undefined) return 'the event is not kept any more';
  if (story.event.damaged === true) return 'the stored event is not what was received: have its sender send it again';
  const seen = view(story.event);
  if (seen === null) return `the format "${story.event.format}" cannot read the body`;
  const owes = route(seen);
  const replayed = await store.reroute(row, owes, nowMs());
  for (const owed of owes) wake(owed.sink);
  const dead = owes.filter((owed) => owed.state === 'dead');
  const still = dead.find((owed) => owed.route === row.route) ?? dead[0];
  return replayed === 0 && still !== undefined ? `${still.reason}: ${still.detail}` : replayed;
}
