import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { StoreUnavailable, type DeliveryFilter, type DeliveryRow, type EventStory } from '../../src/core/store.js';
import { createFeed } from '../../src/ops/feed.js';
import { createOperations, type OperationsDependencies } from '../../src/ops/operations.js';

const row: DeliveryRow = {
  eventUid: '1-0badcafe',
  index: 0,
  deliveryId: '1-0badcafe.0',
  eventId: 'evt_1',
  source: 'castai',
  type: 'test',
  receivedMs: Date.parse('2026-01-12T09:24:07Z'),
  route: 'all',
  sink: 'out',
  state: 'dead',
  dueMs: null,
  attempts: 1,
  reason: 'http_400',
  detail: '400 no',
  settledMs: Date.parse('2026-01-12T09:24:08Z'),
};

const story: EventStory = {
  event: {
    uid: '1-0badcafe',
    source: 'castai',
    format: 'castai-event',
    id: 'evt/1',
    type: 'test',
    receivedMs: row.receivedMs,
    body: Buffer.from('{}'),
    headers: {},
  },
  deliveries: [row],
  attempts: [{ index: 0, attempt: 1, startedMs: row.receivedMs, durationMs: 3, outcome: 'rejected', reason: 'http_400', answer: '400 no' }],
};

interface Asked {
  filter?: DeliveryFilter;
  limit?: number;
  before?: string | null;
  ids?: readonly string[];
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** The listener over a store of one row; `asked` is what reached the store or the replayer last. */
async function rig(parts: Partial<OperationsDependencies> = {}) {
  const asked: Asked = {};
  const logged: object[] = [];
  const note = (fields: object) => void logged.push(fields);
  const server = createOperations({
    reload: () => Promise.resolve({ ok: true }),
    inForce: () => ({ file: 'bridge.yaml', sources: [], pollers: [], describe: (salt) => ({ salt }) }),
    store: {
      deliveries: (filter, limit, before) => {
        Object.assign(asked, { filter, limit, before });
        return Promise.resolve({ rows: [row], next: row.deliveryId });
      },
      stories: (id) => Promise.resolve(id === story.event.id ? [story] : []),
      forget: (ids) => Promise.resolve(ids.map((id) => id === story.event.id)),
      stats: () => Promise.resolve({ waiting: [{ sink: 'out', count: 3, oldestDueMs: Date.now() - 5_000 }] }),
    },
    feed: createFeed(),
    replayer: {
      replay: (ids) => {
        Object.assign(asked, { ids });
        return Promise.resolve({ replayed: ids.length, refused: [] });
      },
      replayPage: (filter, before) => {
        Object.assign(asked, { filter, before });
        return Promise.resolve({ replayed: 2, refused: [], next: null });
      },
    },
    ready: () => Promise.resolve({ ready: true, reasons: [], notes: [] }),
    registry: new Registry(),
    token: null,
    log: { debug: note, info: note, warn: note, error: note },
    ...parts,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${path}`, init);
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: answer.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as unknown) : null,
    };
  };
  const post = (body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    call('/api/replay', { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { url, call, post, asked, logged };
}

describe('health', () => {
  it('is up while the process is; readiness says why it is not', async () => {
    const { call } = await rig({ ready: () => Promise.resolve({ ready: false, reasons: ['the store cannot write: disk full'], notes: [] }) });
    expect(await call('/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } });
    expect(await call('/readyz')).toMatchObject({ status: 503, json: { ready: false, reasons: ['the store cannot write: disk full'] } });
  });
});

describe('forgetting', () => {
  it('hands ids to the store, and says which of them nobody knows', async () => {
    const { call } = await rig();
    const { status, text } = await call('/api/forget', {
      method: 'POST',
      body: '{"ids":["evt/1","evt_2"]}',
      headers: { 'content-type': 'application/json' },
    });
    expect([status, JSON.parse(text)]).toEqual([200, { forgotten: 1, unknown: ['evt_2'] }]);
  });

  it.each(['[]', '{}', '{"ids":"x"}', '{"ids":[1]}'])('refuses %s', async (body) => {
    const { call } = await rig();
    expect((await call('/api/forget', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(400);
  });
});

describe('metrics', () => {
  it('measure the backlog when they are asked for', async () => {
    const { text } = await (await rig()).call('/metrics');
    expect(text).toContain('castbridge_deliveries_waiting{sink="out"} 3');
    expect(text).toMatch(/castbridge_deliveries_oldest_due_seconds\{sink="out"\} 5\.?\d*/);
  });

  it('are there, without the backlog, while the store cannot read', async () => {
    const { call, logged } = await rig({
      store: { deliveries: failing, stories: failing, forget: failing, stats: failing },
    });
    expect((await call('/metrics')).status).toBe(200);
    expect(logged).toMatchObject([{ detail: 'disk I/O error' }, { detail: 'disk I/O error' }]);
  });
});

function failing(): Promise<never> {
  return Promise.reject(new StoreUnavailable('disk I/O error'));
}

describe('deliveries', () => {
  it('are listed by state, sink and reason, a page at a time', async () => {
    const { call, asked } = await rig();
    const answer = await call('/api/deliveries?state=dead&sink=out&reason=http_400&limit=7&before=2-x.0');
    expect(asked).toEqual({ filter: { state: 'dead', sink: 'out', reason: 'http_400' }, limit: 7, before: '2-x.0' });
    expect(answer.json).toEqual({
      deliveries: [
        {
          id: '1-0badcafe.0',
          eventId: 'evt_1',
          event: '1-0badcafe',
          source: 'castai',
          type: 'test',
          route: 'all',
          sink: 'out',
          state: 'dead',
          attempts: 1,
          reason: 'http_400',
          detail: '400 no',
          receivedAt: '2026-01-12T09:24:07.000Z',
          dueAt: null,
          settledAt: '2026-01-12T09:24:08.000Z',
        },
      ],
      next: '1-0badcafe.0',
    });
  });

  it.each([
    ['state=gone', 'state is one of waiting, delivered, dead'],
    ['limit=0', 'limit is a whole number from 1 to 1000'],
    ['limit=1001', 'limit is a whole number from 1 to 1000'],
    ['limit=x', 'limit is a whole number from 1 to 1000'],
    ['sink=a&sink=b', 'sink is one text'],
  ])('?%s is refused: %s', async (query, error) => {
    expect(await (await rig()).call(`/api/deliveries?${query}`)).toMatchObject({ status: 400, json: { error } });
  });
});

describe('an event', () => {
  it('is told from arrival to end, under any id', async () => {
    const { call } = await rig();
    const answer = await call(`/api/events/${encodeURIComponent('evt/1')}`);
    expect(answer).toMatchObject({
      status: 200,
      json: {
        events: [
          { id: 'evt/1', body: '{}', bodyEncoding: 'utf-8', routes: ['all'], deliveries: [{ history: [{ outcome: 'rejected', answer: '400 no' }] }] },
        ],
      },
    });
    const unknown = await call('/api/events/evt_2');
    expect([unknown.status, unknown.text]).toEqual([404, expect.stringContaining('there is no event')]);
  });
});

describe('replay', () => {
  it('takes ids, or a sink and a reason, and says what came of it', async () => {
    const { post, asked, logged } = await rig();
    expect(await post({ ids: ['a', 'b'] })).toMatchObject({ status: 200, json: { replayed: 2, refused: [] } });
    expect(asked.ids).toEqual(['a', 'b']);
    expect(await post({ sink: 'out', reason: 'http_400', before: '9-x.0' })).toMatchObject({ status: 200, json: { replayed: 2, next: null } });
    expect(asked).toMatchObject({ filter: { state: 'dead', sink: 'out', reason: 'http_400' }, before: '9-x.0' });
    expect(logged).toHaveLength(2);
  });

  it.each([
    [[], 400],
    ['{', 400],
    [{}, 400],
    [{ ids: 'a' }, 400],
    [{ ids: [1] }, 400],
    [{ ids: Array(1_001).fill('a') }, 400],
    [{ sink: 1 }, 400],
    [{ sink: 'out', state: 'waiting' }, 400],
  ])('refuses %j with %i, in JSON', async (body, status) => {
    const { json, ...answer } = await (await rig()).post(body);
    expect([answer.status, json]).toEqual([status, { error: expect.any(String) as string }]);
  });

  it('refuses a body that is too large', async () => {
    expect((await (await rig()).post({ ids: ['x'.repeat(2_000_000)] })).status).toBe(413);
  });

  it('takes nothing but JSON: a form on a web page must not reach it', async () => {
    const { post, asked } = await rig();
    expect((await post('{"ids":["a"]}', { 'content-type': 'text/plain' })).status).toBe(400);
    expect(asked.ids).toBeUndefined();
  });
});

describe('the configuration in force', () => {
  it('is described, with what waits, under a salt of each answer', async () => {
    const { call } = await rig();
    const [one, other] = [(await call('/-/config')).json, (await call('/-/config')).json] as { salt: string; config: { salt: string } }[];
    expect(one).toEqual({ file: 'bridge.yaml', salt: one?.config.salt, config: expect.anything() as object, waiting: { out: 3 } });
    expect(one?.salt).not.toBe(other?.salt);
  });

  it.each([
    [200, { ok: true }],
    [422, { ok: false, problems: ['bridge.yaml:1:1  a: b; c'] }],
    [503, { ok: false, problems: ['the bridge is stopping'], stopping: true }],
  ] as const)('is read again: %i', async (status, answer) => {
    const { call } = await rig({ reload: () => Promise.resolve(answer) });
    expect(await call('/-/reload', { method: 'POST' })).toMatchObject({ status, json: answer });
    expect(await call('/-/reload')).toMatchObject({ status: 405 });
  });
});

describe('what cannot be served', () => {
  it('is JSON, and no stack', async () => {
    const { call } = await rig({ store: { deliveries: failing, stories: failing, forget: failing, stats: failing } });
    expect(await call('/nowhere')).toMatchObject({ status: 404, json: { error: 'there is nothing at this path' } });
    const wrong = await call('/api/replay');
    expect(wrong).toMatchObject({ status: 405, json: { error: 'this path takes other methods' } });
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await call('/api/deliveries')).toMatchObject({ status: 503, json: { error: 'disk I/O error' } });
  });

  it('is what the asker got wrong, where it is no path', async () => {
    expect(await (await rig()).call('/api/events/%E0%A4%A')).toMatchObject({ status: 404 });
  });
});

describe('who may ask', () => {
  it('with a token: nobody without it, but for health', async () => {
    const { call } = await rig({ token: 'operator-token-0123456789' });
    for (const path of ['/api/deliveries', '/metrics', '/nowhere']) {
      const refused = await call(path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      expect((await call(path, { headers: { authorization: 'Bearer operator-token-012345678' } })).status).toBe(401);
    }
    expect((await call('/healthz')).status).toBe(200);
    expect((await call('/readyz')).status).toBe(200);
    expect((await call('/api/deliveries', { headers: { authorization: 'bearer operator-token-0123456789' } })).status).toBe(200);
  });

  it('without one: only by a name of loopback, so that no page in a browser can', async () => {
    const { url } = await rig();
    const status = (host: string) =>
      new Promise((resolve, reject) => {
        request(`${url}/api/deliveries`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end();
      });
    expect(await Promise.all(['rebound.example', '127.0.0.1.example', 'localhost', '127.0.0.1:3001', '[::1]:3001'].map(status))).toEqual([
      403, 403, 200, 200, 200,
    ]);
  });

  it('nor may a page of another origin have the configuration read again', async () => {
    const { call } = await rig();
    const reload = async (origin: string) => (await call('/-/reload', { method: 'POST', headers: { origin } })).status;
    expect([await reload('https://page.example'), await reload('null'), await reload('http://localhost.example')]).toEqual([403, 403, 403]);
    expect([await reload('http://localhost:3001'), (await call('/-/reload', { method: 'POST' })).status]).toEqual([200, 200]);
  });
});
