import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthority, type Authority, type Certificate } from '../receivers/certificates.js';
import { startHttpsServer, type HttpsServer } from '../receivers/https-server.js';
import { configured, sent } from './sent.js';

describe('T48: TLS', () => {
  let authority: Authority;
  let elsewhere: Authority;
  let client: Certificate;
  const servers: HttpsServer[] = [];
  beforeAll(async () => {
    [authority, elsewhere] = [await createAuthority(), await createAuthority()];
    client = await authority.certify(['bridge.example']);
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));
  afterEach(() => vi.unstubAllEnvs());

  const listening = async (options: Parameters<typeof startHttpsServer>[0]) => {
    const server = await startHttpsServer(options);
    servers.push(server);
    return { ...server, url: `https://127.0.0.1:${server.port}/` };
  };
  const REFUSED = { kind: 'retry', reason: 'tls', holdSink: true };

  it('trusts the authority it is given, and no other', async () => {
    const { url } = await listening(await authority.certify(['localhost'], ['127.0.0.1']));
    expect(await sent({ type: 'http', url, tls: { ca: authority.ca } })).toMatchObject({ kind: 'delivered' });
    expect(await sent({ type: 'http', url })).toMatchObject(REFUSED);
    expect(await sent({ type: 'http', url, tls: { ca: elsewhere.ca } })).toMatchObject(REFUSED);
  });

  it('refuses a certificate for another host, and one that has expired', async () => {
    const tls = { ca: authority.ca };
    expect(await sent({ type: 'http', url: (await listening(await authority.certify(['elsewhere.example']))).url, tls })).toMatchObject(REFUSED);
    const expired = await authority.certify(['localhost'], ['127.0.0.1'], new Date(Date.now() - 3_600_000));
    expect(await sent({ type: 'http', url: (await listening(expired)).url, tls })).toMatchObject({ ...REFUSED, answer: /CERT_HAS_EXPIRED/ });
  });

  it('verifies also where the environment says otherwise', async () => {
    const { url } = await listening(await authority.certify(['localhost'], ['127.0.0.1']));
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await sent({ type: 'http', url })).toMatchObject(REFUSED);
  });

  it('shows its own certificate to a server that demands one, and is refused without it, or with one of another authority', async () => {
    const { url, clients } = await listening({
      ...(await authority.certify(['localhost'], ['127.0.0.1'])),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const tls = { ca: authority.ca };
    expect(await sent({ type: 'http', url, tls: { ...tls, ...client } })).toMatchObject({ kind: 'delivered' });
    expect(clients).toEqual(['bridge.example']);
    expect(await sent({ type: 'http', url, tls })).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/^(tls|closed)$/) as string });
    const other = await elsewhere.certify(['bridge.example']);
    expect(await sent({ type: 'http', url, tls: { ...tls, ...other } })).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/^(tls|closed)$/) as string,
    });
    expect(clients).toEqual(['bridge.example']);
  });

  it.each<[string, () => object, string]>([
    ['a text that is no certificate', () => ({ ca: 'nothing' }), 'tls.ca: this is no certificate'],
    ['a key for a certificate', () => ({ ca: client.key }), 'tls.ca: this is no certificate'],
    ['a certificate without its key', () => ({ cert: client.cert }), 'tls: "key" is missing'],
    ['a key without its certificate', () => ({ key: client.key }), 'tls: "cert" is missing'],
    ['a certificate for a key', () => ({ cert: client.cert, key: client.cert }), 'tls.key: this is no key that can be used'],
    ['the authority’s certificate with that key', () => ({ cert: authority.ca, key: client.key }), 'tls.key: this is not the key of the certificate'],
  ])('%s is a mistake when the file is read', (_, tls, told) => {
    expect(() => configured({ type: 'http', url: 'https://host.example/', tls: tls() })).toThrow(`sinks.out.${told}`);
  });

  it('without encryption there is nothing to verify: that is a mistake', () => {
    expect(() => configured({ type: 'http', url: 'http://host.example/', tls: { ca: authority.ca } })).toThrow('the URL is http');
  });

  it('the authorities are given under `tls`: who writes them beside it is told', () => {
    expect(() => configured({ type: 'http', url: 'https://host.example/', ca: authority.ca })).toThrow('it belongs inside `tls`');
  });
});
