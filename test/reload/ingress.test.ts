import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { signCastai } from '../../src/sources/verify/castai.js';
import { until } from '../e2e/serve.js';
import { arrived, http, receiver, running, SECRET, sources } from './rig.js';

describe('the ingress over a reload', () => {
  it('T15: handles a request by one configuration from its headers to its end: limits, secrets, format, routes', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const sinks = { out: http(out), other: http(other) };
    const run = await running({ sinks, routes: [{ to: ['out'] }] });
    const slow = halfPosted(run.bridge.ingressUrl, 'evt_slow');
    await slow.underWay;
    const next = 'b6f1d0c5b9a7e4f3288d';
    run.reload({ server: { host: '127.0.0.1', port: 0, bodyLimit: '10B' }, sources: sources(next, '/new'), sinks, routes: [{ to: ['other'] }] });
    expect(await slow.end()).toContain('HTTP/1.1 200 OK');
    await until(() => arrived(out).includes('evt_slow'));
    expect(other.received).toHaveLength(0);

    expect(await run.post('evt_new', { path: '/w' })).toBe(404);
    expect(await run.post('evt_new', { path: '/new', secret: next })).toBe(413);
    run.reload({ sources: sources(next, '/new'), sinks, routes: [{ to: ['other'] }] });
    expect(await run.post('evt_new', { path: '/new' })).toBe(401);
    expect(await run.post('evt_new', { path: '/new', secret: next })).toBe(200);
    await until(() => arrived(other).includes('evt_new'));
    expect(arrived(out)).toEqual(['evt_slow']);
  });

  it('T51: takes up new timeouts, for connections that are there already too', async () => {
    const out = await receiver();
    const parts = (server: object) => ({ server: { host: '127.0.0.1', port: 0, ...server }, sinks: { out: http(out) }, routes: [{ to: ['out'] }] });
    const run = await running(parts({ headerTimeout: '20d', bodyTimeout: '20d' }));
    const { hostname, port } = new URL(run.bridge.ingressUrl);
    const socket = connect(Number(port), hostname);
    const answer = textOf(socket);
    socket.write('POST /w HTTP/1.1\r\nhost: bridge\r\n');
    expect(run.reload(parts({ headerTimeout: '10ms', bodyTimeout: '10ms' }))).toMatchObject({ ok: true });
    expect(await answer).toContain('HTTP/1.1 408');
    const slow = halfPosted(run.bridge.ingressUrl, 'evt_slow');
    expect(await slow.answer).toContain('HTTP/1.1 408');
  });
});

/** A signed request whose headers and first byte are sent. */
function halfPosted(url: string, id: string) {
  const { hostname, port } = new URL(url);
  const body = Buffer.from(JSON.stringify({ id, type: 'test' }));
  const timestamp = Math.floor(Date.now() / 1_000);
  const socket = connect(Number(port), hostname);
  const answer = textOf(socket);
  const lines = [
    'POST /w HTTP/1.1',
    'host: bridge',
    'connection: close',
    `content-length: ${body.length}`,
    `x-castai-timestamp: ${timestamp}`,
    `x-castai-signature: ${signCastai(SECRET, timestamp, body)}`,
    // Answered when somebody begins to read the body.
    'expect: 100-continue',
  ];
  const underWay = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return {
    answer,
    underWay,
    end: () => {
      socket.write(body);
      return answer;
    },
  };
}

function textOf(socket: ReturnType<typeof connect>): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk))).on('error', () => undefined);
  return new Promise((resolve) => socket.on('close', () => resolve(text)));
}
