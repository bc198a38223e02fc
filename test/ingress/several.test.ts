import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/core/store.js';
import { castaiAudit } from '../../src/sources/format/castai-audit.js';
import { cloudevents } from '../../src/sources/format/cloudevents.js';
import { github } from '../../src/sources/format/github.js';
import { DEDUP, post, source, startIngress } from './harness.js';

const entry = (id: unknown, eventType: unknown = 'nodeAdded') => JSON.stringify({ id, eventType });
const page = (...entries: readonly string[]) => Buffer.from(`{"items":[${entries.join(',')}]}`);
const audit = [source({ format: castaiAudit.bare })];

describe('a request with several events', () => {
  it('is one call to the store, one answer, and an event each, in order', async () => {
    const { port, store, handedOver, facts } = await startIngress({ sources: audit });
    expect(await post(port, page(entry('1'), entry('2'), entry('3')))).toMatchObject({ status: 200, text: '{"received":true}' });
    expect(store.calls).toBe(1);
    expect(store.stored.map(({ id, key, body }) => [id, key, body.toString()])).toEqual(['1', '2', '3'].map((id) => [id, `id:${id}`, entry(id)]));
    expect(handedOver.map(({ event }) => event.id)).toEqual(['1', '2', '3']);
    expect(facts.filter(({ kind }) => kind === 'accepted')).toHaveLength(3);
  });

  it('is a duplicate where all of them are, and hands over those that are not', async () => {
    const { port, handedOver } = await startIngress({ sources: audit });
    await post(port, page(entry('1'), entry('2')));
    expect((await post(port, page(entry('2'), entry('1')))).text).toBe('{"received":true,"duplicate":true}');
    expect((await post(port, page(entry('2'), entry('3'), entry('3')))).text).toBe('{"received":true}');
    expect(handedOver.map(({ event }) => event.id)).toEqual(['1', '2', '3']);
  });

  it('keeps the good ones where one is bad, and says which', async () => {
    const { port, store, facts } = await startIngress({ sources: audit });
    const answer = await post(port, page(entry('1'), entry('2', 7), entry(null), entry('4')));
    expect(answer).toMatchObject({
      status: 422,
      text: JSON.stringify({ error: 'event 2 of 4: "eventType" is missing or not a string; 2 of them were received' }),
    });
    expect(store.stored.map(({ id, owes }) => [id, owes[0]?.state === 'dead' ? owes[0].reason : 'owed'])).toEqual([
      ['1', 'owed'],
      ['', 'undecodable'],
      ['', 'missing_id'],
      ['4', 'owed'],
    ]);
    expect(facts.filter(({ kind }) => kind === 'refused')).toMatchObject([
      { reason: 'undecodable', status: 422 },
      { reason: 'missing_id', status: 422 },
    ]);
  });

  it('is all or nothing where the store is away', async () => {
    const { port, store, handedOver } = await startIngress({ sources: audit });
    store.failure = new StoreUnavailable('the disk is full');
    expect((await post(port, page(entry('1'), entry('2')))).status).toBe(503);
    expect([store.stored, handedOver]).toEqual([[], []]);
    store.failure = null;
    expect((await post(port, page(entry('1'), entry('2')))).text).toBe('{"received":true}');
  });

  it('may hold none', async () => {
    const { port, store } = await startIngress({ sources: [source({ format: cloudevents.bare })] });
    expect(await post(port, Buffer.from('[]'))).toMatchObject({ status: 200, text: '{"received":true}' });
    expect(store.stored).toEqual([]);
  });

  it('is kept as one dead letter where it holds more than 1,000', async () => {
    const { port, store } = await startIngress({ sources: audit });
    const many = (count: number) => page(...Array.from({ length: count }, (_, n) => entry(String(n))));
    expect((await post(port, many(1_000))).text).toBe('{"received":true}');
    const body = many(1_001);
    expect(await post(port, body)).toMatchObject({ status: 422, text: expect.stringContaining('more than 1000 events') as string });
    expect(store.stored.at(-1)).toMatchObject({ id: '', body, owes: [{ state: 'dead', reason: 'undecodable' }] });
    expect(store.stored).toHaveLength(1_001);
  });

  it('that is no JSON is kept whole', async () => {
    const { port, store } = await startIngress({ sources: audit });
    const body = Buffer.from(`{"items":[${entry('1')},]}`);
    expect(await post(port, body)).toMatchObject({
      status: 422,
      text: expect.stringContaining('a comma stands before \\"]\\"; take it out') as string,
    });
    expect(store.stored).toMatchObject([{ body, owes: [{ state: 'dead', reason: 'undecodable' }] }]);
  });
});

describe('an event whose format reads headers', () => {
  it('is stored with those, and with no other', async () => {
    const { port, store, handedOver, routed } = await startIngress({ sources: [source({ format: github.bare })] });
    const headers = { 'X-GitHub-Delivery': 'd-1', 'X-GitHub-Event': 'push', Authorization: 'Bearer canary' };
    expect((await post(port, Buffer.from('{}'), headers)).status).toBe(200);
    const kept = { 'x-github-delivery': 'd-1', 'x-github-event': 'push' };
    expect(store.stored[0]?.headers).toEqual(kept);
    expect(handedOver[0]?.event.headers).toEqual(kept);
    expect(routed[0]).toMatchObject({ id: 'd-1', type: 'github.push' });
  });
});

describe('a source that says what is one and the same', () => {
  const notification = (more: object) => Buffer.from(JSON.stringify({ id: 'n-1', type: 'alert', data: {}, ...more }));
  const keyed = (key: NonNullable<typeof DEDUP.key>, missingId: 'reject' | 'hash' = 'reject') =>
    startIngress({ sources: [source({ dedup: { ...DEDUP, key, missingId } })] });

  it('T09: keeps apart what shares an id, and knows again what its key makes one', async () => {
    const { port, store, routed } = await keyed((event) => `${event.id}/${event.type}`);
    expect((await post(port, notification({}))).text).toBe('{"received":true}');
    expect((await post(port, notification({ type: 'other' }))).text).toBe('{"received":true}');
    expect((await post(port, notification({ data: { again: true } }))).text).toContain('duplicate');
    expect(store.stored.map(({ id, key }) => [id, key])).toEqual([
      ['n-1/alert', 'id:n-1/alert'],
      ['n-1/other', 'id:n-1/other'],
    ]);
    expect(routed.map(({ id }) => id)).toEqual(['n-1/alert', 'n-1/other', 'n-1/alert']);
  });

  it.each([
    ['gives nothing', () => null],
    ['gives blanks', () => '  '],
    ['gives too long a text', () => 'x'.repeat(257)],
    ['gives half a character', () => '\ud800'],
    [
      'fails',
      () => {
        throw new Error('no such key');
      },
    ],
  ])('T09: has no id where its key %s', async (_, key) => {
    const { port, store } = await keyed(key);
    expect(await post(port, notification({}))).toMatchObject({
      status: 422,
      text: JSON.stringify({ error: 'the event has nothing that dedup.key could take for its id' }),
    });
    expect(store.stored).toMatchObject([{ owes: [{ state: 'dead', reason: 'missing_id' }] }]);
    const hashing = await keyed(key, 'hash');
    expect((await post(hashing.port, notification({}))).text).toBe('{"received":true}');
    expect(hashing.store.stored[0]?.id).toMatch(/^sha256:/);
  });

  it('hands the store its window', async () => {
    const { port, store } = await startIngress({ sources: [source({ dedup: { ...DEDUP, windowMs: 60_000 } })] });
    await post(port, notification({}));
    expect(store.stored[0]?.dedupWindowMs).toBe(60_000);
  });
});
