import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../receivers/certificates.js';
import { startForwardProxy, type ForwardProxy } from '../receivers/forward-proxy.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startHttpsServer, type HttpsServer } from '../receivers/https-server.js';
import { served, until, type Served } from './serve.js';

const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

const yaml = (port: string) => `
sources: { open: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }
sinks:
  tickets:
    type: http
    url: http://inside.example:${port}/tickets
    sign: { type: standard-webhooks, secrets: ['\${SIGNING}'] }
    body: { title: '{{ event.type }}', nodes: '{{ event.data.nodes }}' }
    retry: { initial: 1ms }
routes: [{ to: [tickets] }]
`;

describe('the built bridge behind a proxy, with a receiver that verifies', () => {
  let [receiver, proxy, bridge] = [] as unknown as [HttpReceiver, ForwardProxy, Served];
  beforeAll(async () => {
    [receiver, proxy] = [await startHttpReceiver(), await startForwardProxy()];
    bridge = await served(yaml(new URL(receiver.url).port), { env: { http_proxy: proxy.url, no_proxy: '', SIGNING: SECRET } });
    await bridge.start();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([receiver.goAway(), proxy.close()]);
  });

  const listed = async (state: string) => (await fetch(`${bridge.operations}/api/deliveries?state=${state}`)).text();

  it('sends one id over retries and a replay, each attempt signed anew, all of them through the proxy of its environment', async () => {
    receiver.script({ status: 503 }, { status: 422 });
    await fetch(bridge.url, { method: 'POST', body: JSON.stringify({ id: 'evt_1', type: 'test', data: { nodes: 3 } }) });
    await until(async () => (await listed('dead')).includes('http_422'));
    await bridge.here('replay', 'evt_1');
    await until(async () => (await listed('delivered')).includes('evt_1'));
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { headers, body } of receiver.received) {
      expect(headers['webhook-id']).toBe(headers['castbridge-delivery-id']);
      expect(new Webhook(SECRET).verify(body.toString(), headers as Record<string, string>)).toEqual({ title: 'test', nodes: 3 });
    }
    expect(proxy.asked.map(({ target }) => new URL(target).pathname)).toEqual(['/tickets', '/tickets', '/tickets']);
  });
});

describe('the built bridge behind a proxy that is spoken to over https', () => {
  let [receiver, server, proxy, bridge] = [] as unknown as [HttpReceiver, HttpsServer, ForwardProxy, Served];
  let folder: string;
  beforeAll(async () => {
    const authority = await createAuthority();
    receiver = await startHttpReceiver();
    server = await startHttpsServer(await authority.certify(['inside.example']));
    proxy = await startForwardProxy(await authority.certify(['localhost'], ['127.0.0.1']));
    folder = mkdtempSync(join(tmpdir(), 'castbridge-proxy-'));
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, authority.ca);
    const env = { NODE_EXTRA_CA_CERTS: ca, no_proxy: '', http_proxy: proxy.url, https_proxy: proxy.url.replace('127.0.0.1', 'localhost') };
    bridge = await served(
      `
sources: { open: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }
sinks:
  plain: { type: http, url: 'http://inside.example:${new URL(receiver.url).port}/plain' }
  secure: { type: http, url: 'https://inside.example:${server.port}/secure', tls: { ca: '\${file:${ca}}' } }
routes: [{ to: [plain, secure] }]
`,
      { env },
    );
    await bridge.start();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([receiver.goAway(), server.close(), proxy.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes the certificate of the proxy for the proxy’s, and that of the receiver for the receiver’s', async () => {
    await fetch(bridge.url, { method: 'POST', body: JSON.stringify({ id: 'evt_1', type: 'test' }) });
    await until(() => receiver.received.length > 0 && server.clients.length > 0);
    expect(proxy.asked.map(({ method, target }) => `${method} ${target}`).sort()).toEqual([
      `CONNECT inside.example:${server.port}`,
      `POST http://inside.example:${new URL(receiver.url).port}/plain`,
    ]);
  });
});
