import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { proxyFor } from '../../src/sinks/proxy.js';
import { createAuthority, type Authority } from '../receivers/certificates.js';
import { startForwardProxy, type ForwardProxy } from '../receivers/forward-proxy.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startHttpsServer, type HttpsServer } from '../receivers/https-server.js';
import { configured, sent } from './sent.js';

describe('a proxy', () => {
  let proxy: ForwardProxy;
  let receiver: HttpReceiver;
  let server: HttpsServer;
  let authority: Authority;
  beforeAll(async () => {
    authority = await createAuthority();
    [proxy, receiver] = [await startForwardProxy(), await startHttpReceiver()];
    server = await startHttpsServer({
      ...(await authority.certify(['inside.example'])),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: false,
    });
  });
  afterEach(() => {
    proxy.require(null);
    proxy.insteadOfTunnel(null);
  });
  afterAll(async () => {
    await proxy.close();
    await receiver.goAway();
    await server.close();
  });

  const https = (parts: object = {}) => ({
    type: 'http',
    url: `https://inside.example:${server.port}/hook`,
    tls: { ca: authority.ca },
    proxy: proxy.url,
    ...parts,
  });
  const http = (parts: object = {}) => ({ type: 'http', url: receiver.url.replace('127.0.0.1', 'inside.example'), proxy: proxy.url, ...parts });
  const withCredentials = (credentials: string) => proxy.url.replace('://', `://${credentials}@`);

  it('is asked for a tunnel to an https URL, resolves its name, and sees none of the headers', async () => {
    const before = proxy.asked.length;
    expect(await sent(https({ headers: { 'X-Api-Key': 'not-for-the-proxy-1' } }))).toMatchObject({ kind: 'delivered' });
    expect(proxy.asked.slice(before)).toMatchObject([{ method: 'CONNECT', target: `inside.example:${server.port}` }]);
    expect(JSON.stringify(proxy.asked.slice(before))).not.toContain('not-for-the-proxy');
  });

  it('does not come between: the certificate is the receiver’s, and the client’s is shown to the receiver', async () => {
    expect(await sent(https({ tls: { ca: (await createAuthority()).ca } }))).toMatchObject({ kind: 'retry', reason: 'tls' });
    const url = `https://elsewhere.example:${server.port}/`;
    expect(await sent(https({ url }))).toMatchObject({ kind: 'retry', reason: 'tls', holdSink: true });
    const client = await authority.certify(['bridge.example']);
    expect(await sent(https({ tls: { ca: authority.ca, ...client } }))).toMatchObject({ kind: 'delivered' });
    expect(server.clients.at(-1)).toBe('bridge.example');
  });

  it('is asked for the whole of an http URL, and passes on what the receiver says', async () => {
    const before = proxy.asked.length;
    receiver.script({ status: 202, body: 'taken' });
    expect(await sent(http({ url: `${http().url}/a/{event.type}?b=c` }), { type: 'x y' })).toEqual({ kind: 'delivered', answer: '202 taken' });
    expect(proxy.asked.slice(before)).toMatchObject([{ method: 'POST', target: `${http().url}/a/x%20y?b=c` }]);
    expect(receiver.received.at(-1)).toMatchObject({ path: '/a/x%20y?b=c', headers: { host: new URL(http().url).host } });
    receiver.script({ status: 503, headers: { 'retry-after': '7' } });
    expect(await sent(http())).toMatchObject({ kind: 'retry', reason: 'http_503', afterMs: 7_000 });
  });

  it('is told the user and the password of its URL, and the receiver is not', async () => {
    proxy.require('us er:p@ss/w0rd');
    expect(await sent(https({ proxy: withCredentials('us%20er:p%40ss%2Fw0rd') }))).toMatchObject({ kind: 'delivered' });
    expect(await sent(http({ proxy: withCredentials('us%20er:p%40ss%2Fw0rd') }))).toMatchObject({ kind: 'delivered' });
    expect(receiver.received.at(-1)?.headers).not.toHaveProperty('proxy-authorization');
    expect(await sent(https())).toEqual({ kind: 'retry', reason: 'proxy', answer: 'the connection failed: PROXY_407', holdSink: true });
    expect(await sent(http())).toMatchObject({ kind: 'retry', reason: 'http_407' });
  });

  it('that refuses, closes or is away is a retry that holds the sink, and is asked once', async () => {
    const before = proxy.asked.length;
    proxy.insteadOfTunnel({ status: 502 });
    expect(await sent(https())).toMatchObject({ kind: 'retry', reason: 'proxy', answer: 'the connection failed: PROXY_502', holdSink: true });
    proxy.insteadOfTunnel('close');
    expect(await sent(https())).toMatchObject({ kind: 'retry', reason: 'proxy', holdSink: true });
    expect(proxy.asked.length).toBe(before + 2);
    for (const parts of [https, http])
      expect(await sent(parts({ proxy: 'http://127.0.0.1:1' }))).toMatchObject({ kind: 'retry', reason: 'refused', holdSink: true });
    expect(await sent(https({ proxy: 'http://no-such-proxy.invalid:3128' }))).toMatchObject({ kind: 'retry', reason: 'dns', holdSink: true });
  });

  it('that hangs is a retry when the signal says so, and its connection is closed with the sink', async () => {
    proxy.insteadOfTunnel('hang');
    expect(await sent(https(), {}, AbortSignal.timeout(100))).toMatchObject({ kind: 'retry', reason: 'timeout' });
    await expect.poll(() => proxy.connections()).toBe(0);
  });

  it('T47: shows no secret of its URL, wherever it comes from', async () => {
    const secret = 'proxyPass9xW7';
    const { redact } = configured(http({ proxy: withCredentials(`user:${secret}`) }));
    const basic = Buffer.from(`user:${secret}`).toString('base64');
    expect(redact(`${secret} ${basic}`)).toBe('[redacted] [redacted]');
    // What is in the environment, the loader does not know: the sink hides it itself.
    receiver.script({ status: 400, body: `${secret} ${basic}` });
    const outcome = await sent(http({ proxy: 'environment' }), {}, undefined, { environment: { http_proxy: withCredentials(`user:${secret}`) } });
    expect(outcome).toMatchObject({ kind: 'rejected', answer: '400 [redacted] [redacted]' });
  });

  it('T49: an address that stands in the URL is checked, and so is the proxy’s own', async () => {
    for (const url of ['http://169.254.169.254/', 'https://[::ffff:a9fe:a9fe]/', 'https://metadata.google.internal/'])
      expect(() => configured(http({ url }))).toThrow('sinks.out.url: this address is not sent to');
    expect(() => configured(http({ proxy: 'http://169.254.0.1:3128' }))).toThrow('sinks.out.proxy: this address is not sent to');
    for (const parts of [https, http]) {
      const before = proxy.asked.length;
      expect(await sent(parts({ proxy: proxy.url.replace('127.0.0.1', 'localhost'), deny: ['127.0.0.1', '::1'] }))).toMatchObject({
        kind: 'retry',
        reason: 'address_forbidden',
      });
      expect(proxy.asked.length).toBe(before);
    }
  });

  it('is taken from the environment that the sink is given, where nothing else is said', async () => {
    const environment = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
    const before = proxy.asked.length;
    expect(await sent(http({ proxy: 'environment' }), {}, undefined, { environment })).toMatchObject({ kind: 'delivered' });
    const unsaid = Object.fromEntries(Object.entries(https()).filter(([key]) => key !== 'proxy'));
    expect(await sent(unsaid, {}, undefined, { environment })).toMatchObject({ kind: 'delivered' });
    expect(proxy.asked.length).toBe(before + 2);
    expect(await sent({ type: 'http', url: receiver.url }, {}, undefined, { environment })).toMatchObject({ kind: 'delivered' });
    expect(await sent(http({ proxy: 'none' }), {}, undefined, { environment })).toMatchObject({ kind: 'retry', reason: 'dns' });
    expect(proxy.asked.length).toBe(before + 2);
  });

  it('of the environment that is none keeps the sink from opening, and its text is not repeated', () => {
    for (const bad of ['socks5://proxy:1080', 'http://', 'http://user:secret@:x'])
      expect(() => configured(http({ proxy: 'environment' })).open({ environment: { http_proxy: bad } })).toThrow(
        /^http_proxy is no http or https URL; mend it, or set `proxy: none`$/,
      );
  });

  it.each(['proxy.example:3128', 'socks5://proxy.example', 'http://', 'enviroment', 'https://[::1'])('%j cannot be configured', (url) => {
    expect(() => configured(http({ proxy: url }))).toThrow('sinks.out.proxy');
  });
});

describe('the proxy of the environment', () => {
  const P = 'http://p.example:1/';
  it.each<[string, Record<string, string>, string | null]>([
    ['https://a.example/', {}, null],
    ['https://a.example/', { HTTPS_PROXY: P }, P],
    ['https://a.example/', { https_proxy: P, HTTPS_PROXY: 'http://other.example/' }, P],
    ['https://a.example/', { https_proxy: '', HTTPS_PROXY: P }, P],
    ['https://a.example/', { HTTP_PROXY: P }, null],
    ['http://a.example/', { HTTP_PROXY: P }, P],
    ['http://a.example/', { HTTPS_PROXY: P }, null],
    ['https://a.example/', { HTTPS_PROXY: 'p.example:1' }, P],
    ['https://a.example/', { HTTPS_PROXY: P, NO_PROXY: '*' }, null],
    ['https://a.example/', { HTTPS_PROXY: P, NO_PROXY: 'b.example, a.example' }, null],
    ['https://x.a.example/', { HTTPS_PROXY: P, NO_PROXY: 'a.example' }, null],
    ['https://x.a.example/', { HTTPS_PROXY: P, no_proxy: '.A.example' }, null],
    ['https://x.a.example./', { HTTPS_PROXY: P, no_proxy: '*.a.example' }, null],
    ['https://xa.example/', { HTTPS_PROXY: P, NO_PROXY: 'a.example' }, P],
    ['https://a.example/', { HTTPS_PROXY: P, NO_PROXY: 'x.a.example' }, P],
    ['https://a.example:8443/', { HTTPS_PROXY: P, NO_PROXY: 'a.example:8443' }, null],
    ['https://a.example/', { HTTPS_PROXY: P, NO_PROXY: 'a.example:443' }, null],
    ['https://a.example/', { HTTPS_PROXY: P, NO_PROXY: 'a.example:8443' }, P],
    ['https://10.1.2.3/', { HTTPS_PROXY: P, NO_PROXY: '10.0.0.0/8' }, null],
    ['https://11.1.2.3/', { HTTPS_PROXY: P, NO_PROXY: '10.0.0.0/8' }, P],
    ['https://11.1.2.3/', { HTTPS_PROXY: P, NO_PROXY: '10.0.0.0/, 10.0.0.0/x, 10.0.0.0/99' }, P],
    ['https://10.1.2.3/', { HTTPS_PROXY: P, NO_PROXY: '10.1.2.3' }, null],
    ['https://[2001:db8::1]/', { HTTPS_PROXY: P, NO_PROXY: '2001:db8::/32' }, null],
    ['https://[2001:db8::1]:8443/', { HTTPS_PROXY: P, NO_PROXY: '[2001:db8::1]:8443' }, null],
    ['https://localhost/', { HTTPS_PROXY: P }, null],
    ['https://127.0.0.9/', { HTTPS_PROXY: P }, null],
    ['https://[::1]/', { HTTPS_PROXY: P }, null],
    ['https://127.example/', { HTTPS_PROXY: P }, P],
  ])('for %s with %j is %s', (url, environment, proxy) => {
    expect(proxyFor('environment', new URL(url), environment)?.href ?? null).toBe(proxy);
  });
});
