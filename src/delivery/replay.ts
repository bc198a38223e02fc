import { eventUidIn, ON_DEAD } from '../core/delivery.js';
import type { EventView } from '../core/event.js';
import type { DeliveryFilter, DeliveryKey, DeliveryRow, EventStory, Owed, Store } from '../core/store.js';
import type { View } from './view.js';

/** What came of a replay. */
export interface ReplayReport {
  /** Deliveries that wait again, and those a dead letter without a sink was turned into. */
  readonly replayed: number;
  readonly refused: readonly Refusal[];
}

/** An id, and why nothing came of it. */
export interface Refusal {
  readonly id: string;
  readonly why: string;
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
  readonly view: View;
  readonly route: (event: EventView) => readonly Owed[];
  /** Is there a lane for this sink? What waits for one that is not there waits for ever. */
  readonly isConfigured: (sink: string) => boolean;
  /** Told the sinks that have something due. */
  readonly wake: (sink: string | null) => void;
  readonly nowMs: () => number;
}

/** Rows of a listing handled at once. */
const PAGE = 500;

/** Number of deliveries that wait again; a text: why there are none. */
type Result = number | string;

export function createReplayer(deps: ReplayDependencies): Replayer {
  const { store } = deps;
  return {
    async replay(ids) {
      const found: (DeliveryRow | Refusal)[] = [];
      for (const id of ids) {
        const rows = await rowsOf(id, store);
        if (typeof rows === 'string') found.push({ id, why: rows });
        else found.push(...rows);
      }
      const results = await replayRows(
        found.filter((one) => 'sink' in one),
        deps,
      );
      return reportOf(found, results);
    },

    async replayPage(filter, before) {
      const { rows, next } = await store.deliveries(filter, PAGE, before);
      return { ...reportOf(rows, await replayRows(rows, deps)), next };
    },
  };
}

/** All of them in one transaction, or in two where some had no sink: a commit for each would hold up the ingress as long as it lasts. */
async function replayRows(rows: readonly DeliveryRow[], deps: ReplayDependencies): Promise<ReadonlyMap<DeliveryRow, Result>> {
  const { store, isConfigured, wake, nowMs } = deps;
  const results = new Map<DeliveryRow, Result>();
  const known: DeliveryRow[] = [];
  for (const row of rows) {
    if (row.sink === null) continue;
    if (isConfigured(row.sink)) known.push(row);
    else results.set(row, `the sink "${row.sink}" is not configured any more: put it back, then replay`);
  }
  const again = known.length === 0 ? [] : await store.replay(known.map(keyOf), nowMs());
  known.forEach((row, at) => results.set(row, again[at] === true ? 1 : 'it is waiting already'));
  for (const sink of new Set(known.map((row) => row.sink))) wake(sink);
  const lost = rows.filter((row) => row.sink === null);
  for (const [row, result] of await reroute(lost, deps)) results.set(row, result);
  return results;
}

function keyOf({ eventUid, index }: DeliveryRow): DeliveryKey {
  return { eventUid, index };
}

function reportOf(all: readonly (DeliveryRow | Refusal)[], results: ReadonlyMap<DeliveryRow, Result>): ReplayReport {
  let replayed = 0;
  const refused: Refusal[] = [];
  for (const one of all) {
    if (!('sink' in one)) {
      refused.push(one);
      continue;
    }
    const result = results.get(one) ?? 0;
    if (typeof result === 'number') replayed += result;
    else refused.push({ id: one.deliveryId, why: result });
  }
  return { replayed, refused };
}

/** The deliveries an id stands for: the one it names, which no sender's id can stand before; else the dead ones of the events it names. */
async function rowsOf(id: string, store: ReplayDependencies['store']): Promise<readonly DeliveryRow[] | string> {
  const uid = eventUidIn(id);
  const named = uid === null ? [] : deliveriesOf(await store.stories(uid)).filter(({ deliveryId }) => deliveryId === id);
  if (named.length > 0) return named;
  const stories = await store.stories(id);
  if (stories.length === 0) return 'there is no event and no delivery with this id';
  // What was forwarded tells of a dead letter that may be delivered now: by its own id alone.
  const dead = deliveriesOf(stories).filter(({ state, route }) => state === 'dead' && route !== ON_DEAD);
  return dead.length > 0 ? dead : 'the event has no dead delivery; name a delivery to send it again';
}

function deliveriesOf(stories: readonly EventStory[]): DeliveryRow[] {
  return stories.flatMap(({ deliveries }) => deliveries);
}

/** Events that had no sink go through today's formats and routing table. One body at a time is in memory. */
async function reroute(rows: readonly DeliveryRow[], deps: ReplayDependencies): Promise<readonly (readonly [DeliveryRow, Result])[]> {
  const refused: (readonly [DeliveryRow, Result])[] = [];
  const letters: { readonly row: DeliveryRow; readonly owes: readonly Owed[] }[] = [];
  for (const row of rows) {
    const owes = await owedToday(row, deps);
    if (typeof owes === 'string') refused.push([row, owes]);
    else letters.push({ row, owes });
  }
  if (letters.length === 0) return refused;
  const counts = await deps.store.reroute(
    letters.map(({ row, owes }) => ({ ...keyOf(row), owes })),
    deps.nowMs(),
  );
  for (const sink of new Set(letters.flatMap(({ owes }) => owes.map((owed) => owed.sink)))) deps.wake(sink);
  return [...refused, ...letters.map(({ row, owes }, at) => [row, resultOf(row, owes, counts[at] ?? 0)] as const)];
}

async function owedToday(row: DeliveryRow, { store, view, route }: ReplayDependencies): Promise<readonly Owed[] | string> {
  const story = (await store.stories(row.eventUid))[0];
  if (story === undefined) return 'the event is not kept any more';
  if (story.event.damaged === true) return 'the stored event is not what was received: have its sender send it again';
  const seen = view(story.event);
  return seen === null ? `the format "${story.event.format}" cannot read the body` : route(seen);
}

function resultOf(row: DeliveryRow, owes: readonly Owed[], replayed: number): Result {
  const dead = owes.filter((owed) => owed.state === 'dead');
  const still = dead.find((owed) => owed.route === row.route) ?? dead[0];
  return replayed === 0 && still !== undefined ? `${still.reason}: ${still.detail}` : replayed;
}
