import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import type { Digest } from '../../src/core/sink.js';
import type { LaneDependencies } from '../../src/delivery/lane.js';
import { newSlot } from '../../src/delivery/pace.js';
import { due, rig } from './lane-rig.js';

const delivered: Outcome = { kind: 'delivered', answer: 'ok' };
const turn = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

type Rule = NonNullable<LaneDependencies['digest']>;

/** A lane that sends one message a second; `digests` are the messages that were made of many. */
function flood(rule: Partial<Rule> = {}, answer: () => Outcome = () => delivered) {
  const digests: Digest<unknown>[] = [];
  const digest: Rule = {
    after: 5,
    by: () => null,
    except: () => false,
    digest: (made) => {
      digests.push(made);
      return 'a digest';
    },
    ...rule,
  };
  const lane = rig({ pace: { perSecond: 1, burst: 1, slot: newSlot() }, concurrency: 1, digest });
  lane.state.answer = answer;
  lane.lane.start();
  return { ...lane, digests, ids: () => lane.sent.map(({ ids }) => ids) };
}

describe('a flood', () => {
  it('becomes one message where more wait than `after`, and it settles all of them', async () => {
    const { accept, settled, waiting, digests, ids } = flood();
    await turn();
    for (let n = 0; n < 1_000; n++) accept(due(`d${n}`, { sinceMs: n }));
    await turn();
    expect(ids()).toEqual([['d0.0']]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ids()).toEqual([['d0.0'], ['d1.0']]);
    expect(digests).toMatchObject([{ sink: 's', group: null }]);
    expect(digests[0]?.members.map(({ event }) => event.id)).toEqual(Array.from({ length: 999 }, (_, n) => `id-d${n + 1}`));
    expect([settled.length, waiting.size]).toEqual([1_000, 0]);
    expect(settled.at(-1)).toMatchObject({ settlement: { state: 'delivered' }, attempt: { outcome: { answer: 'one of 999 in a digest: ok' } } });
  });

  it('of no more than `after` is that many messages', async () => {
    const { accept, digests, ids } = flood();
    await turn();
    for (let n = 0; n < 6; n++) accept(due(`d${n}`));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ids()).toEqual(Array.from({ length: 6 }, (_, n) => [`d${n}.0`]));
    expect(digests).toEqual([]);
  });

  it('that waits in the store, as after a restart, is a handful of messages', async () => {
    const { waiting, settled, ids, lane } = flood();
    for (let n = 0; n < 10_000; n++) waiting.set(`d${n}.0`, { ...due(`d${n}`), dueMs: n });
    lane.wake();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(waiting.size).toBe(0);
    expect(new Set(settled.map(({ eventUid }) => eventUid)).size).toBe(10_000);
    expect(ids().length).toBeLessThanOrEqual(12);
  });

  it('that fails comes back as one message, and counts one attempt for each', async () => {
    const answers: Outcome[] = [delivered, { kind: 'retry', reason: 'http_500', answer: '' }];
    const { accept, settled, digests, waiting } = flood({}, () => answers.shift() ?? delivered);
    await turn();
    for (let n = 0; n < 100; n++) accept(due(`d${n}`));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(digests.map(({ members }) => members.length)).toEqual([99, 99]);
    expect(waiting.size).toBe(0);
    const failed = settled.filter(({ settlement }) => settlement.state === 'waiting').map(({ settlement }) => settlement);
    expect([failed.length, new Set(failed.map((one) => (one.state === 'waiting' ? one.dueMs : 0))).size]).toEqual([99, 1]);
  });

  it('has its groups by `by`, a message each; one alone in its group is itself', async () => {
    const { accept, digests, ids } = flood({ by: ({ id }) => id.at(-1) ?? null });
    await turn();
    accept(due('first'));
    await turn();
    for (const id of ['1a', '2a', '1b', '3a', '2b', '1c', '4a', '3b']) accept(due(id));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(digests.map(({ group, members }) => [group, members.map(({ event }) => event.id)])).toEqual([['a', ['id-1a', 'id-2a', 'id-3a', 'id-4a']]]);
    // Once the largest group is gone, no more than `after` wait.
    expect(ids().slice(2)).toEqual([['1b.0'], ['2b.0'], ['1c.0'], ['3b.0']]);
  });

  it('lets what is excepted go by itself, and first', async () => {
    const { accept, digests, ids } = flood({ except: ({ id }) => id.startsWith('id-critical') });
    await turn();
    for (let n = 0; n < 20; n++) accept(due(`d${n}`));
    accept(due('critical-1'));
    accept(due('critical-2'));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(ids()).toEqual([['d0.0'], ['critical-1.0'], ['critical-2.0'], ['d1.0']]);
    expect(digests).toHaveLength(1);
  });

  it('lets what is excepted go first also where no more than `after` wait', async () => {
    const { accept, ids } = flood({ except: ({ id }) => id.startsWith('id-critical') });
    await turn();
    for (const id of ['d0', 'd1', 'd2', 'critical']) accept(due(id));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ids()).toEqual([['d0.0'], ['critical.0']]);
  });

  it('whose group cannot be told is one message all the same; what might be excepted is by itself', async () => {
    const fails = () => {
      throw new Error('no such key');
    };
    const grouped = flood({ by: fails });
    const excepted = flood({ except: fails });
    await turn();
    for (let n = 0; n < 20; n++) for (const { accept } of [grouped, excepted]) accept(due(`d${n}`));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(grouped.digests).toMatchObject([{ group: null }]);
    expect(excepted.digests).toEqual([]);
    expect(excepted.ids()).toEqual([['d0.0'], ['d1.0'], ['d2.0']]);
  });

  it('that is refused for good is sent once more without what the templates make of events', async () => {
    const refused: Outcome = { kind: 'rejected', reason: 'slack_invalid_blocks', answer: '400' };
    const answers = [delivered, refused, delivered];
    const { accept, digests, settled } = flood({}, () => answers.shift() ?? refused);
    await turn();
    for (let n = 0; n < 20; n++) accept(due(`d${n}`));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(digests).toHaveLength(2);
    expect(() => digests[0]?.members[0]?.content()).not.toThrow();
    expect(() => digests[1]?.members[0]?.content()).toThrow('without its template');
    expect(settled.map(({ settlement }) => settlement.state)).toEqual(Array.from({ length: 20 }, () => 'delivered'));
  });

  it('with dead letters in it is two messages: they are told apart', async () => {
    const { accept, digests } = flood();
    await turn();
    const dead = { deliveryId: 'x.0', sink: 'other', route: 'r', reason: 'http_400', attempts: 1, detail: '' };
    for (let n = 0; n < 20; n++) accept({ ...due(`d${n}`), ...(n % 2 === 1 && { dead }) });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(digests.map(({ members }) => members.map((member) => member.dead?.reason ?? null))).toEqual([
      Array.from({ length: 10 }, () => 'http_400'),
      Array.from({ length: 9 }, () => null),
    ]);
  });

  it('leaves out what was damaged: that is a dead letter by itself', async () => {
    const { accept, digests, settled } = flood();
    await turn();
    for (let n = 0; n < 10; n++) {
      const delivery = due(`d${n}`);
      accept(n === 4 ? { ...delivery, event: { ...delivery.event, damaged: true } } : delivery);
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(digests.flatMap(({ members }) => members.map(({ event }) => event.id))).not.toContain('id-d4');
    expect(settled.find(({ eventUid }) => eventUid === 'd4')).toMatchObject({ settlement: { state: 'dead', reason: 'damaged' } });
    expect(settled).toHaveLength(10);
  });
});
