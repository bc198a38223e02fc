import { describe, expect, it } from 'vitest';
import { none } from '../../src/sources/verify/none.js';
import { ask, envelope, post, rawConnection, source, startIngress } from './harness.js';

const NOTHING = Buffer.alloc(0);
const NOT_FOUND = { status: 404, text: '{"error":"There is no source at this path"}' };

describe('paths', () => {
  it.each([
    '/',
    '/webhooks',
    '/webhooks/castai/',
    '/webhooks/castai/x',
    '/WEBHOOKS/castai',
    '/__proto__',
    '/constructor',
    '/%00',
    '/%',
    '//',
    '/webhooks%2Fcastai',
  ])('that no source has are not found: %s', async (path) => {
    const { port, store } = await startIngress();
    for (const method of ['POST', 'GET']) expect(await ask(port, NOTHING, { path, method })).toMatchObject(NOT_FOUND);
    expect(store.calls).toBe(0);
  });

  it('lead each to its source, whatever the query', async () => {
    const open = none.prepare({}, () => undefined);
    const sources = [source(), source({ name: 'open', path: '/webhooks/open', verify: open })];
    const { port, store } = await startIngress({ sources });
    expect((await ask(port, envelope('1'), { path: '/webhooks/open?a=b' })).status).toBe(200);
    expect((await ask(port, envelope('1'), { path: '/webhooks/castai?verify=none' })).status).toBe(401);
    expect((await post(port, envelope('1'))).status).toBe(200);
    expect(store.stored.map((arrival) => arrival.source)).toEqual(['open', 'castai']);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('are for POST: %s gets 405', async (method) => {
    const { port, facts } = await startIngress();
    const answer = await ask(port, method === 'PUT' ? envelope('1') : NOTHING, { method });
    expect(answer).toMatchObject({ status: 405, text: '{"error":"Events are posted: use POST"}' });
    expect(answer.headers.allow).toBe('POST');
    expect(facts).toMatchObject([{ kind: 'refused', source: 'castai', reason: 'method', status: 405 }]);
  });

  it('are for POST: HEAD gets 405 and no body', async () => {
    const { port } = await startIngress();
    expect(await ask(port, NOTHING, { method: 'HEAD' })).toMatchObject({ status: 405, text: '' });
  });

  it.each(['http://[', 'http://a:b:c/webhooks/castai', '*', 'webhooks/castai', 'http://\\/'])('may not be what is no path: %s', async (target) => {
    const { port, facts } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write(`POST ${target} HTTP/1.1\r\nhost: bridge\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    expect(await closed).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(facts).toMatchObject([{ kind: 'refused' }]);
  });

  it('may come as absolute URLs, as proxies write them', async () => {
    const { port } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write('POST http://bridge/webhooks/castai HTTP/1.1\r\nhost: bridge\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    expect(await closed).toMatch(/^HTTP\/1\.1 401 /);
  });
});
