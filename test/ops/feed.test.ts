import Router from '@koa/router';
import Koa from 'koa';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recorder, type Fact } from '../ingress/harness.js';
import { addFeed, createFeed, fed, type Feed } from '../../src/ops/feed.js';

async function listening(feed: Feed): Promise<string> {
  const router = new Router();
  addFeed(router, feed, () => ({ sources: ['castai', 'other'].map((name) => ({ name, path: `/${name}` })), pollers: [{ name: 'audit' }] }));
  const app = new Koa();
  app.silent = true;
  const server = app.use(router.routes()).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/feed`;
}

/** Reads lines until one is there that `last` is true for. */
async function linesOf(answer: Response, last: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  for await (const chunk of answer.body ?? []) {
    const parts = (rest + Buffer.from(chunk as Uint8Array).toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts.filter((text) => text !== '')) {
      const line = JSON.parse(part) as Record<string, unknown>;
      lines.push(line);
      if (last(line)) return lines;
    }
  }
  return lines;
}

const accepted = (id: string, source = 'castai', more = {}) => ({ kind: 'accepted' as const, source, id, ...more });

describe('the feed', () => {
  it.each(['accepted', 'duplicate', 'refused', 'misrouted', 'attempted', 'pollFailed', 'pollStopped'] as const)(
    'is told of what is %s, behind the log, and only while somebody looks on',
    (kind) => {
      const feed = createFeed();
      const facts: Fact[] = [];
      const telemetry = fed(recorder(facts), feed);
      const fact = { source: 'castai', detail: 'x' } as never;
      telemetry[kind](fact);
      const seen: unknown[] = [];
      const stop = feed.watch((happening) => void seen.push(happening));
      telemetry[kind](fact);
      stop?.();
      telemetry[kind](fact);
      expect(facts).toHaveLength(3);
      expect(seen).toEqual([{ kind, source: 'castai', detail: 'x' }]);
    },
  );

  it('tells of one source, and of what no source was found for, as it happens', async () => {
    const feed = createFeed();
    const url = await listening(feed);
    expect(feed.isWatched()).toBe(false);
    const answer = await fetch(`${url}?source=castai`);
    expect([answer.headers.get('content-type'), feed.isWatched()]).toEqual(['application/x-ndjson', true]);
    for (const one of [accepted('1'), accepted('2', 'other'), accepted('3', ''), accepted('4')]) feed.tell(one);
    const [first, ...lines] = await linesOf(answer, ({ id }) => id === '4');
    expect(first).toEqual({ kind: 'listening', sources: [{ name: 'castai', path: '/castai' }] });
    expect(lines.map(({ id }) => id)).toEqual(['1', '3', '4']);
    expect(lines[0]?.['at']).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('forgets those who have gone, and refuses more than it bears', async () => {
    const feed = createFeed();
    const url = await listening(feed);
    const leaving = new AbortController();
    const answers = await Promise.all(Array.from({ length: 16 }, () => fetch(url, { signal: leaving.signal })));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect((await fetch(url)).status).toBe(429);
    leaving.abort();
    while (feed.isWatched()) await new Promise((resolve) => setImmediate(resolve));
    expect((await fetch(url)).ok).toBe(true);
    expect(await linesOf(await fetch(`${url}?source=audit`), () => true)).toEqual([{ kind: 'listening', sources: [{ name: 'audit', path: null }] }]);
    expect((await fetch(`${url}?source=none`)).status).toBe(404);
  });

  it('leaves out what one who reads slowly cannot take, says how much, and keeps nobody waiting', async () => {
    const feed = createFeed();
    const answer = await fetch(await listening(feed));
    const big = 'x'.repeat(100_000);
    for (let n = 0; n < 2_000; n++) feed.tell(accepted(String(n), 'castai', { big }));
    const reading = linesOf(answer, ({ id }) => id === 'last');
    const telling = setInterval(() => feed.tell(accepted('last')), 5);
    const lines = await reading;
    clearInterval(telling);
    const [leftOut] = lines.filter(({ kind }) => kind === 'left_out');
    const told = lines.filter(({ id }) => id !== undefined && id !== 'last').length;
    expect(told).toBeLessThan(200);
    expect(Number(leftOut?.['count'])).toBeGreaterThanOrEqual(2_000 - told);
  });
});
