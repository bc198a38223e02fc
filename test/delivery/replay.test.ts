import { describe, expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import type { DeliveryRow, EventStory, Owed } from '../../src/core/store.js';
import { createReplayer } from '../../src/delivery/replay.js';
import { due } from './lane-rig.js';

function row(uid: string, index: number, parts: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    eventUid: uid,
    index,
    deliveryId: `${uid}.${index}`,
    eventId: `id-${uid}`,
    source: 'castai',
    type: 't',
    receivedMs: 0,
    route: 'r',
    sink: 's',
    state: 'dead',
    dueMs: null,
    attempts: 3,
    reason: 'http_400',
    detail: null,
    settledMs: 1,
    ...parts,
  };
}

/** A store of rows; `owes` is what the routing table says today. */
function rig(rows: DeliveryRow[], owes: Owed[] = [], readable = true, damaged = false) {
  const woken: (string | null)[] = [];
  const rerouted: Owed[] = [];
  /** How many deliveries each writing call was about. */
  const transactions: number[] = [];
  const stories = (id: string): EventStory[] => {
    const mine = rows.filter((candidate) => candidate.eventUid === id || candidate.eventId === id);
    return mine.length === 0 ? [] : [{ event: { ...due(mine[0]?.eventUid ?? '').event, damaged }, deliveries: mine, attempts: [] }];
  };
  const replayer = createReplayer({
    store: {
      stories: (id) => Promise.resolve(stories(id)),
      deliveries: (filter, limit, before) => {
        const found = rows.filter(
          (candidate) =>
            (filter.sink ?? candidate.sink) === candidate.sink &&
            (filter.reason ?? candidate.reason) === candidate.reason &&
            (filter.state ?? candidate.state) === candidate.state,
        );
        const from = Number(before ?? 0);
        return Promise.resolve({ rows: found.slice(from, from + limit), next: from + limit < found.length ? String(from + limit) : null });
      },
      replay: (keys) => {
        transactions.push(keys.length);
        return Promise.resolve(
          keys.map((key) =>
            rows.some((candidate) => candidate.eventUid === key.eventUid && candidate.index === key.index && candidate.state !== 'waiting'),
          ),
        );
      },
      reroute: (letters) => {
        transactions.push(letters.length);
        rerouted.push(...letters.flatMap((letter) => letter.owes));
        return Promise.resolve(letters.map(({ owes: today }) => today.filter((owed) => owed.state === 'waiting').length));
      },
    },
    view: () => (readable ? ({} as EventView) : null),
    route: () => owes,
    isConfigured: (sink) => sink !== 'removed',
    wake: (sink) => woken.push(sink),
    nowMs: () => 0,
  });
  return { replayer, woken, rerouted, transactions };
}

describe('replay', () => {
  it('of a delivery makes that one wait again, and wakes its lane', async () => {
    const { replayer, woken } = rig([row('a', 0), row('a', 1, { sink: 'other' })]);
    expect(await replayer.replay(['a.1'])).toEqual({ replayed: 1, refused: [] });
    expect(woken).toEqual(['other']);
  });

  it('of a delivery is of that one, also where a sender has called an event by its id', async () => {
    const { replayer, woken } = rig([row('1-a', 0, { sink: 'mine' }), row('2-a', 0, { sink: 'theirs', eventId: '1-a.0' })]);
    expect(await replayer.replay(['1-a.0'])).toEqual({ replayed: 1, refused: [] });
    expect(woken).toEqual(['mine']);
  });

  it('of an event, by either id, makes all its dead deliveries wait again', async () => {
    const { replayer } = rig([row('a', 0), row('a', 1, { state: 'delivered' }), row('a', 2)]);
    expect(await replayer.replay(['a'])).toEqual({ replayed: 2, refused: [] });
    expect(await replayer.replay(['id-a'])).toEqual({ replayed: 2, refused: [] });
  });

  it('says of each id why nothing was replayed', async () => {
    const { replayer } = rig([row('a', 0, { state: 'waiting' })]);
    expect(await replayer.replay(['a', 'a.0', 'zz', 'zz.1'])).toEqual({
      replayed: 0,
      refused: [
        { id: 'a', why: 'the event has no dead delivery; name a delivery to send it again' },
        { id: 'a.0', why: 'it is waiting already' },
        { id: 'zz', why: 'there is no event and no delivery with this id' },
        { id: 'zz.1', why: 'there is no event and no delivery with this id' },
      ],
    });
  });

  it('T14: of a sink that is not configured any more is refused: it would wait for ever', async () => {
    const { replayer } = rig([row('a', 0, { sink: 'removed', reason: 'sink_removed' })]);
    const why = 'the sink "removed" is not configured any more: put it back, then replay';
    expect(await replayer.replay(['a'])).toEqual({ replayed: 0, refused: [{ id: 'a.0', why }] });
  });

  it('of all goes page by page, a transaction each', async () => {
    const { replayer, transactions } = rig(Array.from({ length: 1_234 }, (_, index) => row(`e${index}`, 0)));
    const replayed: number[] = [];
    let before: string | null = null;
    do {
      const page = await replayer.replayPage({ state: 'dead', sink: 's' }, before);
      replayed.push(page.replayed);
      before = page.next;
    } while (before !== null);
    expect(replayed).toEqual([500, 500, 234]);
    expect(transactions).toEqual(replayed);
    expect(await replayer.replayPage({ state: 'dead', sink: 'other' }, null)).toEqual({ replayed: 0, refused: [], next: null });
  });
});

describe('T08: replay of an event that had no sink', () => {
  const unrouted = row('a', 0, { sink: null, route: null, reason: 'unrouted' });
  const owes: Owed[] = [{ state: 'waiting', route: 'r', sink: 's' }];

  it('sends it through today’s routing table', async () => {
    const { replayer, woken, rerouted } = rig([unrouted], owes);
    expect(await replayer.replay(['a'])).toEqual({ replayed: 1, refused: [] });
    expect(rerouted).toEqual(owes);
    expect(woken).toContain('s');
  });

  it('leaves it as it is where the table still knows nothing, or the body still cannot be read', async () => {
    const nothing = rig([unrouted], [{ state: 'dead', route: null, sink: null, reason: 'unrouted', detail: 'no row matched' }]);
    expect(await nothing.replayer.replay(['a'])).toEqual({ replayed: 0, refused: [{ id: 'a.0', why: 'unrouted: no row matched' }] });
    const harmed = rig([unrouted], owes, true, true);
    expect((await harmed.replayer.replay(['a'])).refused[0]?.why).toBe('the stored event is not what was received: have its sender send it again');
    expect(harmed.rerouted).toEqual([]);
    const unreadable = rig([unrouted], owes, false);
    expect(await unreadable.replayer.replay(['a'])).toMatchObject({ replayed: 0, refused: [{ id: 'a.0' }] });
  });
});
