import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { castaiNotification } from '../../src/sources/format/castai-notification.js';
import { decodedBy } from '../contract/format.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { MAIN, served, until, type Served } from '../e2e/serve.js';

/** A secret that a shell would misread, were it not quoted. */
const SECRET = `canary-'"$(false)\`\\-0123456789abcdef`;
const BASE64 = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;

const yaml = (receiver: HttpReceiver) => `
sources:
  console: { path: /console, verify: { type: header, header: X-Bridge-Token, secrets: ['\${SECRET}'] }, format: castai-notification }
  bearer: { path: /bearer, verify: { type: header, header: Authorization, prefix: 'Bearer ', secrets: ['\${SECRET}'] }, format: castai-event }
  basic: { path: /basic, verify: { type: basic, username: 'a"$b', passwords: ['\${SECRET}'] }, format: castai-audit }
  envelope: { path: /envelope, verify: { type: castai, secrets: ['\${SECRET}', another-0123456789abcdef] }, format: castai-event }
  standard: { path: /standard, verify: { type: standard-webhooks, secrets: ['\${BASE64}'] }, format: standard-webhooks }
  github: { path: /github, verify: { type: hmac, secrets: ['\${SECRET}'], signature: { header: X-Hub-Signature-256, prefix: 'sha256=' } }, format: github }
  stripe:
    path: /stripe
    verify:
      type: hmac
      secrets: ['\${SECRET}']
      signature: { header: Stripe-Signature, prefix: 'v1=', separator: ',' }
      timestamp: { header: Stripe-Signature, prefix: 't=', separator: ',', unit: ms }
      signed: [timestamp, { text: '_$"é\`' }, { header: X-Account }, body]
      algorithm: sha512
      encoding: base64
    format: { type: json, fields: { id: /a/0/id, type: { value: it }, name: { header: X-Name }, data: /a } }
  hex:
    path: /hex
    verify: { type: hmac, secrets: ['30313233343536373839616263646566'], secretEncoding: hex, algorithm: sha1, signature: { header: X-Signature } }
    format: cloudevents
  open: { path: /open, verify: { type: none }, format: cloudevents }
sinks:
  out: { type: http, url: "${receiver.url}" }
  bad: { type: http, url: "${receiver.url}/bad", retry: { attempts: 2, initial: 1ms } }
routes:
  - { name: all, match: { source: [console, bearer, basic, envelope, standard, github, stripe, hex] }, to: [out] }
  - { name: fails, match: { type: fails }, to: [bad] }
`;
const NAMES = ['console', 'bearer', 'basic', 'envelope', 'standard', 'github', 'stripe', 'hex', 'open'];

let receiver: HttpReceiver;
let bridge: Served;
beforeAll(async () => {
  receiver = await startHttpReceiver();
  bridge = await served(yaml(receiver), { env: { SECRET, BASE64 } });
  await bridge.start();
});
afterAll(async () => {
  await bridge.cleanUp();
  await receiver.goAway();
});

interface Guide {
  readonly url: string;
  readonly sender: readonly string[];
  readonly template: { readonly text: string } | null;
  readonly shell: readonly string[];
}

async function guideOf(name: string, ...more: readonly string[]): Promise<Guide> {
  const { code, out, err } = await bridge.here('source', name, '--json', ...more);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Guide;
}

function sh(lines: readonly string[]): string {
  return execFileSync('sh', ['-c', lines.join('\n')], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
}

const isHere = spawnSync('sh', ['-c', 'command -v curl && command -v openssl']).status === 0;

describe('`castbridge source`', () => {
  it.runIf(isHere || process.env['CASTBRIDGE_REQUIRE_FAULTS'] === '1').each(NAMES)('prints a line for curl that %s accepts, once', async (name) => {
    const { shell } = await guideOf(name, '--reveal');
    expect(sh(shell)).toBe('{"received":true}');
    expect(sh(shell)).toBe('{"received":true,"duplicate":true}');
  });

  it.each(NAMES)('shows no secret of %s unless it is asked to', async (name) => {
    const { out } = await bridge.here('source', name);
    expect(`${out}${JSON.stringify(await guideOf(name))}`).not.toMatch(/canary|MDEyMzQ1|3031323334/);
  });

  it('says what its sender has to be given', async () => {
    const { out } = await bridge.here('source', 'console', '--url', 'https://hooks.example.com/castai/');
    expect(out).toContain('  URL: https://hooks.example.com/castai/console\n');
    expect(out).toContain('  Add the header X-Bridge-Token: <the secret>\n');
    expect(out).toContain('    "Message": {{ toJSON .Message }},\n');
    expect((await guideOf('bearer', '--reveal')).sender).toEqual([`Add the header Authorization: Bearer ${SECRET}`]);
    expect((await guideOf('stripe')).sender).toEqual([
      'Give it the secret.',
      'It signs with HMAC-SHA512, over the time, "_$\\"é`", x-account, the body; the signature, in base64, comes in stripe-signature behind v1=',
    ]);
  });

  it('refuses what it cannot answer', async () => {
    expect(await bridge.here('source')).toMatchObject({ code: 2, err: expect.stringContaining('name a source, one of console, bearer') as string });
    expect((await bridge.here('source', 'consol')).err).toContain('no source named "consol"; did you mean "console"?');
    expect((await bridge.here('source', 'open', '--url', 'hooks')).err).toContain('"hooks" is no URL');
  });

  it('has a template that renders valid JSON, whatever a notification says', async () => {
    const hostile = 'a "quote", a \\, a\nline, </script>, é🚀, {{ .Name }}, ';
    const cluster = { ID: 'c', Name: hostile, ProviderType: 'eks', ProjectNamespaceID: '1' };
    for (const Cluster of [cluster, null]) {
      const values = {
        NotificationID: 'n-1',
        OrganizationID: 'o',
        Severity: 'CRITICAL',
        Name: hostile,
        Message: hostile,
        Details: { text: hostile },
      };
      const text = rendered((await guideOf('console')).template?.text ?? '', { ...values, Timestamp: '2026-01-12T09:24:07Z', Cluster });
      expect(decodedBy(castaiNotification.bare, text)).toMatchObject({
        ...{ id: 'n-1', severity: 'critical', name: hostile, message: hostile, data: { text: hostile }, time: '2026-01-12T09:24:07Z' },
        cluster: { id: Cluster === null ? null : 'c', name: Cluster === null ? null : hostile },
      });
    }
  });
});

/** As Go's templates do, as far as Cast AI's documentation names them; anything else throws. */
function rendered(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{\{(.*?)\}\}/g, (_, inner: string) => {
    const [, call, field = ''] = /^ (?:(toJSON|toISO8601) )?\.(\w+) $/.exec(inner) ?? [];
    const value = values[field];
    if (value === undefined) throw new Error(`the template has no ${inner}`);
    if (call === 'toJSON') return JSON.stringify(value).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
    if (typeof value !== 'string') throw new Error(`${inner} is no text`);
    return value;
  });
}

describe('`castbridge listen`', () => {
  it('tells apart what can go wrong at a source, and shows nothing secret', async () => {
    const listening = spawn(process.execPath, [MAIN, 'listen', 'bearer', '--config', bridge.config], { env: { ...process.env, SECRET, BASE64 } });
    let [out, err] = ['', ''];
    listening.stdout.on('data', (text) => (out += String(text)));
    listening.stderr.on('data', (text) => (err += String(text)));
    await until(() => err.includes('listening to bearer (/bearer)'));
    const url = bridge.url.replace('/webhooks/castai', '/bearer');
    const post = (body: string, { secret = SECRET, to = url, method = 'POST' } = {}) =>
      fetch(to, { method, headers: { authorization: `Bearer ${secret}` }, ...(method === 'POST' ? { body } : {}) });
    const seen = (pattern: RegExp) => until(() => pattern.test(out));
    await post('{}', { secret: 'wrong-canary' });
    await seen(/bearer {2}401 not authentic: authorization holds none of the secrets\n/);
    await post('{"id":"canary",}');
    await seen(/bearer {2}422 not readable: the body is not valid JSON at line 1, column 16: a comma stands before "}"; take it out\n/);
    await post('{"type":"test"}');
    await seen(/bearer {2}422 no id: the id of the event is missing or empty\n/);
    await post('', { to: `${url}r` });
    await seen(/- {2}404 no source has this path: \/bearerr\n/);
    await post('', { method: 'GET' });
    await seen(/bearer {2}405 not a POST\n/);
    await post('{"id":"e1","type":"test"}');
    await seen(/bearer {2}e1 \(test\): received, to be delivered once\n/);
    await seen(/bearer {2}e1 \(test\): delivered to out \(200.*\)\n/);
    await post('{"id":"e1","type":"test"}');
    await seen(/bearer {2}e1 \(test\): a duplicate, seen before: not delivered again\n/);
    receiver.otherwise({ status: 500 });
    await post('{"id":"e2","type":"fails"}');
    await seen(/bearer {2}e2 \(fails\): attempt 1 failed, it is tried again to bad \(http_500.*\)\n/);
    await seen(/bearer {2}e2 \(fails\): NOT delivered to bad \(http_500.*\)\n/);
    receiver.otherwise({ status: 200 });
    // Of another source: not shown.
    await fetch(url.replace('/bearer', '/open'), { method: 'POST', body: '{"specversion":"1.0","id":"o1","source":"/","type":"t"}' });
    await post('{"id":"e3","type":"test"}');
    await seen(/e3/);
    expect(out).not.toMatch(/canary|o1/);
    listening.kill('SIGINT');
    expect(await once(listening, 'exit')).toEqual([0, null]);
    expect(bridge.output.stderr).not.toMatch(/Premature close|\n {4}at /);
  });

  it('shows all sources, one that no row matches too, as JSON Lines where it is asked to, and ends with the bridge', async () => {
    const own = await served(yaml(receiver), { env: { SECRET, BASE64 } });
    try {
      await own.start();
      const listening = spawn(process.execPath, [MAIN, 'listen', '--json', '--config', own.config], { env: { ...process.env, SECRET, BASE64 } });
      let [out, err] = ['', ''];
      listening.stdout.on('data', (text) => (out += String(text)));
      listening.stderr.on('data', (text) => (err += String(text)));
      await until(() => err.includes('listening to console (/console), '));
      await fetch(own.url.replace('/webhooks/castai', '/open'), { method: 'POST', body: '{"specversion":"1.0","id":"o1","source":"/","type":"t"}' });
      await until(() => out.includes('misrouted'));
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines).toMatchObject([
        { kind: 'accepted', source: 'open', id: '/#o1', deliveries: 0 },
        { kind: 'misrouted', source: 'open', id: '/#o1', reason: 'unrouted' },
      ]);
      const ended = once(listening, 'exit');
      await own.stop();
      expect(await ended).toEqual([3, null]);
      expect(err).toMatch(/the bridge (is gone|has ended)/);
    } finally {
      await own.cleanUp();
    }
  });

  it('says where there is no such source, and no bridge', async () => {
    expect((await bridge.here('listen', 'none')).err).toContain('no source named "none"');
  });
});

describe('`castbridge forget`', () => {
  it('lets in again what its sender sends again by hand', async () => {
    const url = bridge.url.replace('/webhooks/castai', '/bearer');
    const post = async () =>
      (await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${SECRET}` }, body: '{"id":"again","type":"test"}' })).text();
    expect([await post(), await post()]).toEqual(['{"received":true}', '{"received":true,"duplicate":true}']);
    expect(await bridge.here('forget', 'again', 'never')).toMatchObject({
      code: 1,
      out: '1 id is let in again\n',
      err: 'never: no event with this id was seen within the window\n',
    });
    expect([await post(), await post()]).toEqual(['{"received":true}', '{"received":true,"duplicate":true}']);
    await until(() => receiver.received.filter(({ headers }) => headers['castbridge-event-id'] === 'again').length === 2);
    expect(JSON.parse((await bridge.here('forget', 'again', '--json')).out)).toEqual({ forgotten: 1, unknown: [] });
  });
});
