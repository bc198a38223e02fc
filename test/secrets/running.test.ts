import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, postSigned, run, served, until, type Served } from '../e2e/serve.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { CANARIES, canariesIn } from './canary.js';

/** In the environment of every process; the webhook's secret is in a file, Slack's in the configuration itself. */
const ENV = {
  TOKEN: CANARIES.token,
  LOGIN: `${CANARIES.user}:${CANARIES.password}`,
  QUERY: CANARIES.query,
  HEADER: CANARIES.header,
  SASL: CANARIES.sasl,
  BEARER: CANARIES.bearer,
  SIGNING: CANARIES.signing,
  PROXY: CANARIES.proxy,
};

const yaml = (echo: string, closed: number, secretFile: string): string => `
sources:
  castai: { path: /w, verify: { type: castai, secrets: ['\${file:${secretFile}}'] }, format: castai-event }
  made: { path: /made, verify: { type: castai, secrets: ['\${generate:${secretFile}-made}'] }, format: castai-event }
sinks:
  echoing:
    type: http
    url: '${echo.replace('//', '//${LOGIN}@')}/x?token=\${QUERY}'
    headers: { authorization-too: 'Bearer \${NOT_SET:-\${HEADER}}' }
  refusing: { type: http, url: 'http://\${LOGIN}@127.0.0.1:${closed}/?token=\${QUERY}' }
  nameless: { type: http, url: 'http://\${LOGIN}@no-such-host.invalid/?token=\${QUERY}' }
  speaking-no-tls: { type: http, url: '${echo.replace('http://', 'https://${LOGIN}@')}/?token=\${QUERY}' }
  signing:
    type: http
    url: '${echo}/y'
    auth: { type: bearer, token: '\${BEARER}' }
    sign: { type: hmac, signature: { header: X-Signature }, secrets: ['\${SIGNING}'] }
  proxied: { type: http, url: 'https://host.example/', proxy: 'http://bridge:\${PROXY}@127.0.0.1:${closed}' }
  slack: { type: slack, webhookUrl: 'http://127.0.0.1:${closed}/services/${CANARIES.slack}', text: 'a' }
  kafka: { type: kafka, brokers: ['127.0.0.1:${closed}'], topic: t, key: '"\${HEADER}" + event.type', headers: { token: '\${HEADER}' }, sasl: { mechanism: plain, username: u, password: '\${SASL}' } }
routes: [{ name: all, to: [echoing, refusing, nameless, speaking-no-tls, signing, proxied, slack, kafka] }]
tests:
  - name: shows what it would send
    given: { source: castai, body: { id: e, type: t } }
    expect: { to: [echoing, refusing, nameless, speaking-no-tls, signing, proxied, slack, kafka], messages: { slack: { text: a } } }
`;

describe('T47: a running bridge whose sinks fail shows no secret', () => {
  let bridge: Served;
  let receiver: HttpReceiver;
  let good: string;
  /** What the bridge itself made for `${generate:…}`. */
  let made: string;
  const shownIn = (text: string): string[] => [...canariesIn(text), ...(text.includes(made) ? ['made'] : [])];
  beforeAll(async () => {
    receiver = await startHttpReceiver();
    receiver.otherwise('echo');
    bridge = await served('', { env: ENV, logLevel: 'debug' });
    const secretFile = join(bridge.folder, 'secret');
    writeFileSync(secretFile, CANARIES.webhook);
    bridge.write(yaml(receiver.url, await freePort(), secretFile));
    good = readFileSync(bridge.config, 'utf8').replace(/^operations: \{ /m, "operations: { token: '${TOKEN}', ");
    writeFileSync(bridge.config, good);
    await bridge.start();
    made = readFileSync(`${secretFile}-made`, 'utf8').trim();
    const posted = await postSigned(new URL('/w', bridge.url).href, CANARIES.webhook, Buffer.from('{"id":"evt_1","type":"test"}'));
    expect(posted.status).toBe(200);
    await until(async () => {
      const { out } = await bridge.here('deliveries', '--json');
      const attempts = out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { attempts: number }).attempts);
      return attempts.length === 8 && attempts.every((count) => count > 0);
    });
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await receiver.goAway();
  });

  it('has made a secret of its own', () => {
    expect(made).toMatch(/^[\da-f]{64}$/);
  });

  it('has sent them: the far side got what it was to get', () => {
    const text = JSON.stringify(receiver.received.map(({ path, headers }) => [path, headers]));
    expect(canariesIn(text)).toEqual(['user', 'password', 'query', 'header', 'bearer']);
    expect(text).toMatch(/"x-signature":"[\da-f]{64}"/);
  });

  it.each([
    ['deliveries', '--json'],
    ['deliveries'],
    ['events', 'show', 'evt_1', '--json'],
    ['events', 'show', 'evt_1'],
    ['explain', '--id', 'evt_1', '--json'],
    ['explain', '--id', 'evt_1'],
    ['test'],
    ['test', '--json'],
    ['check', '--json'],
    ['diff'],
    ['asyncapi'],
    ['asyncapi', '--json'],
    ['replay', 'evt_1', '--json'],
  ])('castbridge %s %s %s %s', async (...args) => {
    const { code, out, err } = await bridge.here(...args.filter(Boolean));
    expect(shownIn(out + err)).toEqual([]);
    expect([code, out]).not.toEqual([0, '']);
  });

  it.each(['/readyz', '/metrics', '/-/config', '/api/deliveries', '/api/events/evt_1', '/nowhere'])(
    'GET %s, with the token and with a wrong one',
    async (path) => {
      for (const token of [CANARIES.token, `${CANARIES.token}x`]) {
        const answer = await fetch(`${bridge.operations}${path}`, { headers: { authorization: `Bearer ${token}` } });
        expect(shownIn(JSON.stringify([...answer.headers]) + (await answer.text()))).toEqual([]);
      }
    },
  );

  it.each<[string, (text: string) => string]>([
    ['a secret for a number', (text) => text.replace('sources:', "shutdown: { grace: '${QUERY}' }\nsources:")],
    ['a secret for a URL', (text) => text.replace(/'http:\/\/\$\{LOGIN\}@127.*?'/, "'${HEADER}'")],
    ['a secret for a name', (text) => text.replace('to: [echoing,', "to: ['${HEADER}',")],
    ['a test that expects a secret', (text) => text.replace('{ text: a }', "{ text: '${HEADER}' }")],
    ['an expression beside a secret', (text) => text.replace("'Bearer ${NOT_SET", "'{event.idd} ${NOT_SET")],
    ['a quote that is not closed', (text) => text.replace("text: 'a'", "text: 'a")],
  ])('a reload that is refused for %s, and a start', async (_, mistake) => {
    writeFileSync(bridge.config, mistake(good));
    const refused = await fetch(`${bridge.operations}/-/reload`, { method: 'POST', headers: { authorization: `Bearer ${CANARIES.token}` } });
    const ready = await (await fetch(`${bridge.operations}/readyz`)).text();
    const started = await run(['serve', '--config', bridge.config], ENV);
    writeFileSync(bridge.config, good);
    expect([refused.status, started.code, ready.includes('was refused')]).toEqual([422, 1, true]);
    expect(shownIn((await refused.text()) + ready + started.out + started.err)).toEqual([]);
  });

  it('and its log, at the level of debugging', async () => {
    expect(await bridge.stop()).toBe(0);
    expect(bridge.output.stderr).toContain('"level":"debug"');
    expect(shownIn(bridge.output.stdout + bridge.output.stderr)).toEqual([]);
  });
});
