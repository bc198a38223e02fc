import { expect, it, onTestFinished } from 'vitest';
import type { Polled, Poller } from '../../../src/core/source.js';
import { castaiNotificationsPoll } from '../../../src/sources/poll/castai-notifications.js';
import { startCastaiApi, type CastaiApi } from '../../receivers/castai-api.js';

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);
const HOUR_MS = 3_600_000;

async function rig(): Promise<{ api: CastaiApi; poller: Poller; add: (id: string, timeMs: number) => void }> {
  const api = await startCastaiApi(NOW_MS);
  const poller = castaiNotificationsPoll.open({ apiKey: api.apiKey, url: `${api.url}/`, interval: HOUR_MS, fills: 'castai' });
  onTestFinished(async () => {
    await poller.close();
    await api.goAway();
  });
  const add = (id: string, timeMs: number) =>
    void api.notifications.push({ id, timestamp: new Date(timeMs).toISOString(), severity: 'INFO', name: 'x' });
  return { api, poller, add };
}

const ask = (poller: Poller, state: string | null): Promise<Polled> => poller.ask(state, NOW_MS, new AbortController().signal);
const read = async (poller: Poller, state: string | null): Promise<{ ids: string[]; state: string; pages: number }> => {
  const ids: string[] = [];
  for (let pages = 1; ; pages++) {
    const polled = await ask(poller, state);
    if (polled.kind !== 'events') throw new Error(polled.detail);
    ids.push(...polled.bodies.map((body) => (JSON.parse(body.toString()) as { id: string }).id));
    state = polled.state;
    if (polled.waitMs > 0) return { ids, state, pages };
  }
};

it('looks through the list for what came since it was first looked at, page by page', async () => {
  const { api, poller, add } = await rig();
  add('before', NOW_MS - 1_000);
  const first = await read(poller, null);
  expect(first.ids).toEqual([]);
  api.pageMax = 2;
  for (let n = 1; n <= 5; n++) add(`n${n}`, NOW_MS + n * 1_000);
  const second = await read(poller, first.state);
  expect([second.ids, second.pages]).toEqual([['n4', 'n5', 'n2', 'n3', 'n1'], 3]);
  // All of the last day, again: the source it fills knows them by their ids.
  expect((await read(poller, second.state)).ids).toHaveLength(5);
});

it('begins with the first page again where a cursor is gone', async () => {
  const { api, poller, add } = await rig();
  const { state } = await read(poller, null);
  api.pageMax = 10;
  for (let n = 1; n <= 12; n++) add(`n${n}`, NOW_MS + n * 1_000);
  const page = await ask(poller, state);
  api.forgetCursors();
  const refused = await ask(poller, page.kind === 'events' ? page.state : '');
  expect(refused).toMatchObject({ kind: 'failed', detail: 'the API answered 400' });
  expect((await read(poller, refused.kind === 'failed' ? (refused.state ?? '') : '')).ids).toHaveLength(12);
});

it('is stopped by 401, and asked again after what is no list', async () => {
  const { api, poller } = await rig();
  api.troubles.push({ kind: 'status', status: 401 }, { kind: 'text', text: '{"items":7}' });
  expect((await ask(poller, null)).kind).toBe('stopped');
  expect(await ask(poller, null)).toMatchObject({ kind: 'failed', detail: 'the API answered what is no list of entries' });
});
