import { describe, expect, it, onTestFinished } from 'vitest';
import type { Polled, Poller } from '../../../src/core/source.js';
import { castaiAuditPoll, type AuditConfig } from '../../../src/sources/poll/castai-audit.js';
import { randomFrom } from '../../random.js';
import { entryAt, startCastaiApi, type CastaiApi } from '../../receivers/castai-api.js';

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

async function rig(config: Partial<AuditConfig> = {}): Promise<{ api: CastaiApi; poller: Poller }> {
  const api = await startCastaiApi(NOW_MS);
  const poller = castaiAuditPoll.open({ apiKey: api.apiKey, url: api.url, interval: MINUTE_MS, from: 'now', ...config });
  onTestFinished(async () => {
    await poller.close();
    await api.goAway();
  });
  return { api, poller };
}

/** Asks as the loop does, until it would wait: what it was given, and what it was told. */
async function read(poller: Poller, api: CastaiApi, state: string | null, onPage: () => void = () => undefined, skewMs = 0) {
  const ids: string[] = [];
  const notes: string[] = [];
  for (let asked = 0; asked < 1_000; asked++) {
    const polled = await poller.ask(state, api.nowMs + skewMs, new AbortController().signal);
    if (polled.kind === 'failed' && polled.state !== undefined) {
      state = polled.state;
      continue;
    }
    if (polled.kind !== 'events') throw new Error(polled.detail);
    ids.push(...polled.bodies.map((body) => (JSON.parse(body.toString()) as { id: string }).id));
    if (polled.note !== undefined) notes.push(polled.note);
    state = polled.state;
    if (polled.waitMs > 0) return { ids, notes, state };
    onPage();
  }
  throw new Error('it never waits');
}

const ask = (poller: Poller, state: string | null): Promise<Polled> => poller.ask(state, NOW_MS, new AbortController().signal);

describe('the audit log', () => {
  it('is read from now on, by the clock of the API, wherever that of this machine is', async () => {
    const { api, poller } = await rig();
    api.entries.push(entryAt('old', NOW_MS - MINUTE_MS), entryAt('newest', NOW_MS));
    const first = await poller.ask(null, NOW_MS + 3_600_000, new AbortController().signal);
    if (first.kind !== 'events') throw new Error(first.detail);
    expect([first.bodies, first.note]).toEqual([[], 'it begins at 2026-01-12T09:24:07.001Z']);
    api.entries.push(entryAt('next', NOW_MS + 1_000));
    const second = await poller.ask(first.state, NOW_MS + 3_600_000, new AbortController().signal);
    expect(second.kind === 'events' && second.bodies.map(String)).toEqual([JSON.stringify(api.entries[2])]);
  });

  it('is read from a date on, the oldest first, a day at a time while it is far behind', async () => {
    const { api, poller } = await rig({ from: '2026-01-02' });
    api.pageMax = 3;
    api.overlap = 1;
    const all = Array.from({ length: 40 }, (_, n) => entryAt(`e${n}`, NOW_MS - (40 - n) * 6 * 3_600_000));
    api.entries.push(...all);
    const { ids } = await read(poller, api, null);
    expect([...new Set(ids)].toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    // Of one answer the oldest comes first.
    expect(ids.slice(0, 3)).toEqual(['e0', 'e1', 'e2']);
    for (const { fromDate, toDate } of api.asked.filter(({ toDate }) => toDate !== undefined))
      expect(Date.parse(toDate ?? '') - Date.parse(fromDate ?? '')).toBe(DAY_MS);
    expect(api.asked.at(-1)?.['toDate']).toBeUndefined();
  });

  it('loses none of what comes while it is read, is written late, or shares a page with another', async () => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.pageMax = 5;
    api.overlap = 2;
    const expected = new Set<string>();
    const add = (id: string, timeMs: number): void => {
      api.entries.push(entryAt(id, timeMs));
      expected.add(id);
    };
    for (let n = 0; n < 23; n++) add(`first${n}`, NOW_MS - n * 1_000);
    const seen = new Set<string>();
    let state: string | null = null;
    for (let round = 0; round < 12; round++) {
      const result = await read(poller, api, state, () => add(`during${expected.size}`, api.nowMs + expected.size));
      for (const id of result.ids) seen.add(id);
      state = result.state;
      api.nowMs += MINUTE_MS;
      for (let n = 0; n < round; n++) add(`round${round}.${n}`, api.nowMs - n);
      add(`late${round}`, api.nowMs - 9 * MINUTE_MS);
    }
    for (const id of (await read(poller, api, state)).ids) seen.add(id);
    expect([...expected].filter((id) => !seen.has(id))).toEqual([]);
  });

  it(`loses none, whatever happens in whatever order (SEED=${SEED})`, { timeout: 120_000 }, async () => {
    const random = randomFrom(SEED);
    const below = (n: number): number => Math.floor(random() * n);
    for (let history = 0; history < 25; history++) {
      const from = new Date(NOW_MS - below(4) * DAY_MS).toISOString().slice(0, 10);
      const { api, poller } = await rig({ from });
      api.pageMax = 1 + below(12);
      api.overlap = below(api.pageMax);
      /** This machine's clock may be hours off. */
      const skewMs = (random() - 0.5) * 4 * HOUR_MS;
      const expected = new Set<string>();
      const seen = new Set<string>();
      let state: string | null = null;
      const add = (): void => {
        const timeMs = Math.max(api.nowMs - below(9 * MINUTE_MS), Date.parse(from));
        expected.add(`e${expected.size}`);
        api.entries.push(entryAt(`e${expected.size - 1}`, timeMs));
      };
      for (let n = 0; n < below(30); n++) add();
      for (let step = 0; step < 60 || api.troubles.length > 0; step++) {
        const polled = await poller.ask(state, api.nowMs + skewMs, new AbortController().signal);
        if (polled.kind === 'events' && random() < 0.9) {
          // Else: killed before it was kept.
          for (const body of polled.bodies) seen.add((JSON.parse(body.toString()) as { id: string }).id);
          state = polled.state;
        } else if (polled.kind === 'failed') state = polled.state ?? state;
        if (random() < 0.5) for (let n = 0; n < below(4); n++) add();
        if (random() < 0.1) api.troubles.push({ kind: 'status', status: 500 }, { kind: 'hangUp' });
        if (random() < 0.05) api.forgetCursors();
        api.nowMs += random() < 0.05 ? below(5 * DAY_MS) : below(2 * MINUTE_MS);
      }
      for (let calm = 0; calm < 3; calm++) {
        const rest = await read(poller, api, state, () => undefined, skewMs);
        for (const id of rest.ids) seen.add(id);
        state = rest.state;
      }
      expect(
        [...expected].filter((id) => !seen.has(id)),
        `history ${history}`,
      ).toEqual([]);
    }
  });

  it('asks for the same entries no longer than it says, where nothing new comes', async () => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.entries.push(entryAt('last', NOW_MS));
    let state: string | null = null;
    let lastMs = 0;
    for (let hour = 0; hour < 24 * 6; hour++) {
      const { ids, state: next } = await read(poller, api, state);
      if (ids.includes('last')) lastMs = api.nowMs;
      state = next;
      api.nowMs += 3_600_000;
    }
    expect(lastMs - NOW_MS).toBeLessThan(castaiAuditPoll.repeatsMs);
    api.entries.push(entryAt('after a week', api.nowMs));
    expect((await read(poller, api, state)).ids).toEqual(['after a week']);
  });

  it('goes on with a page where it was, and begins the question again where the cursor is gone', async () => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.pageMax = 10;
    api.entries.push(...Array.from({ length: 25 }, (_, n) => entryAt(`e${n}`, NOW_MS - n * 1_000)));
    const begun = await ask(poller, null);
    const first = await ask(poller, begun.kind === 'events' ? begun.state : '');
    if (first.kind !== 'events') throw new Error(first.detail);
    const resumed = await ask(poller, first.state);
    expect(api.asked.at(-1)?.['page.cursor']).toBe('cursor-1');
    expect(resumed.kind === 'events' && resumed.bodies.map((body) => (JSON.parse(body.toString()) as { id: string }).id)[0]).toBe('e19');
    api.forgetCursors();
    const refused = await ask(poller, first.state);
    if (refused.kind !== 'failed') throw new Error(refused.kind);
    expect(refused.detail).toBe('the API answered 400');
    const { ids } = await read(poller, api, refused.state ?? '');
    expect(ids).toHaveLength(25);
  });

  it('passes by nothing because of an entry whose time is yet to come', async () => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.entries.push(entryAt('far', NOW_MS + 3 * DAY_MS));
    const { state } = await read(poller, api, null);
    api.nowMs += MINUTE_MS;
    api.entries.push(entryAt('next', api.nowMs));
    expect((await read(poller, api, state)).ids).toContain('next');
  });

  it('says what the API no longer keeps', async () => {
    const { api, poller } = await rig();
    const state = JSON.stringify({ since: '2025-06-01T00:00:00.000Z', through: '2025-06-01T00:00:00.000Z', round: null });
    const { notes } = await read(poller, api, state);
    expect(notes).toEqual(['the API keeps 90 days: what happened between 2025-06-01T00:00:00.000Z and 2025-10-14T09:24:07.000Z is lost']);
  });

  it('asks with the key, for one organization and one cluster', async () => {
    const { api, poller } = await rig({ organization: 'org-1', cluster: 'c-2', from: '2026-01-12' });
    api.entries.push(entryAt('mine', NOW_MS, { labels: { clusterId: 'c-2' } }), entryAt('other', NOW_MS));
    expect((await read(poller, api, null)).ids).toEqual(['mine']);
    expect(api.headers.at(-1)).toMatchObject({ 'x-api-key': api.apiKey, 'x-castai-organization-id': 'org-1' });
  });

  it.each([
    [401, 'the API answered 401: the API key is not valid'],
    [403, 'the API answered 403: the API key may not read this, or not of this organization or cluster'],
  ])('is stopped by %i', async (status, detail) => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.troubles.push({ kind: 'status', status });
    const state = JSON.stringify({ since: '2026-01-12T00:00:00.000Z', through: '2026-01-12T00:00:00.000Z', round: null });
    expect(await ask(poller, state)).toEqual({ kind: 'stopped', detail });
  });

  it.each<[string, Parameters<CastaiApi['troubles']['push']>[0], object]>([
    ['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '17' } }, { detail: 'the API answered 429', waitMs: 17_000 }],
    ['500', { kind: 'status', status: 500 }, { detail: 'the API answered 500', waitMs: null }],
    ['a redirect', { kind: 'status', status: 302, headers: { location: 'http://elsewhere/' } }, { detail: 'the API answered 302' }],
    ['no JSON', { kind: 'text', text: '<html>' }, { detail: 'the API answered what is no list of entries' }],
    ['no page', { kind: 'text', text: '{"message":"hello"}' }, { detail: 'the API answered what is no list of entries' }],
    ['a page of what are no entries', { kind: 'text', text: '{"items":{}}' }, { detail: 'the API answered what is no list of entries' }],
    ['nothing', { kind: 'hangUp' }, { detail: expect.stringMatching(/^the API did not answer: UND_ERR_SOCKET|ECONNRESET$/) as string }],
  ])('is asked again after %s', async (_, trouble, failure) => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    api.troubles.push(trouble);
    const state = JSON.stringify({ since: '2026-01-12T00:00:00.000Z', through: '2026-01-12T00:00:00.000Z', round: null });
    expect(await ask(poller, state)).toMatchObject({ kind: 'failed', ...failure });
    expect((await ask(poller, state)).kind).toBe('events');
  });

  it('is not read in a circle by a cursor that comes again', async () => {
    const { api, poller } = await rig({ from: '2026-01-12' });
    const page = JSON.stringify({ items: [entryAt('e', NOW_MS)], nextCursor: 'same' });
    api.troubles.push({ kind: 'text', text: page }, { kind: 'text', text: page });
    const begun = await ask(poller, null);
    const first = await ask(poller, begun.kind === 'events' ? begun.state : '');
    expect(await ask(poller, first.kind === 'events' ? first.state : '')).toMatchObject({ kind: 'failed', detail: 'the API gave one cursor twice' });
  });
});
