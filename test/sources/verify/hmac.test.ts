import '@shopify/shopify-api/adapters/node';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';
import { sign as signGithub } from '@octokit/webhooks-methods';
import { verifySlackRequest } from '@slack/bolt';
import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { Webhook as Svix } from 'svix';
import { describe, expect, it } from 'vitest';
import { hmac, type HmacConfig } from '../../../src/sources/verify/hmac.js';
import { loadConfig } from '../../../src/config/load.js';
import { kinds } from '../../../src/kinds.js';
import type { Verify } from '../../../src/core/source.js';
import { prepared, problemsOf, verifierContract } from '../../contract/verifier.js';
import { ENV } from '../../config/examples.js';
import { hmacBase64 } from './independent.js';

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);
const SECRETS = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
const LIMITS = { tolerance: 300_000, futureTolerance: 30_000 };
const PLAIN = { secretEncoding: 'text', algorithm: 'sha256', encoding: 'hex', ...LIMITS } as const;

verifierContract('hmac, of the body alone', {
  kind: hmac,
  secrets: SECRETS,
  configure: (secrets): HmacConfig => ({
    ...PLAIN,
    secrets: [...secrets],
    signature: { header: 'X-Signature', prefix: 'sha256=' },
    signed: ['body'],
  }),
  coversBody: true,
  sign: (secret, body) => ({ 'x-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }),
});

verifierContract('hmac, of a time in milliseconds, a header, texts and the body', {
  kind: hmac,
  secrets: SECRETS,
  configure: (secrets): HmacConfig => ({
    ...PLAIN,
    secrets: [...secrets],
    algorithm: 'sha512',
    encoding: 'base64',
    signature: { header: 'Signature', prefix: '' },
    timestamp: { header: 'Signed-At', prefix: 'at=', unit: 'ms' },
    signed: [{ text: 'vé:' }, 'timestamp', { text: '\n' }, { header: 'Message-Id' }, 'body'],
  }),
  coversBody: true,
  toleratesS: { past: 300, future: 30 },
  sign: (secret, body, nowMs) => ({
    'signed-at': `at=${nowMs}`,
    'message-id': 'a:1',
    signature: createHmac('sha512', secret).update(`vé:${nowMs}\na:1`).update(body).digest('base64'),
  }),
});

/** How each service signs, by its own library; in YAML it stands in the example, under this name in lower case. */
const SENDERS: readonly {
  readonly name: string;
  readonly secret: string;
  readonly sign: (body: string, nowMs: number) => Promise<Record<string, string>>;
}[] = [
  {
    name: 'GitHub',
    secret: SECRETS[0] ?? '',
    sign: async (body) => ({ 'x-hub-signature-256': await signGithub(SECRETS[0] ?? '', body) }),
  },
  {
    name: 'Stripe',
    secret: 'whsec_6f1d0c5b9a7e4f3288d1',
    sign: (payload, nowMs) => {
      const { webhooks } = new Stripe('sk_test_none');
      const header = webhooks.generateTestHeaderString({ payload, secret: 'whsec_6f1d0c5b9a7e4f3288d1', timestamp: Math.floor(nowMs / 1_000) });
      return Promise.resolve({ 'stripe-signature': header });
    },
  },
  {
    name: 'Slack',
    secret: SECRETS[0] ?? '',
    sign: (body, nowMs) => {
      const time = Math.floor(nowMs / 1_000);
      const signature = createHmac('sha256', SECRETS[0] ?? '')
        .update(`v0:${time}:${body}`)
        .digest('hex');
      const headers = { 'x-slack-request-timestamp': String(time), 'x-slack-signature': `v0=${signature}` };
      // The library only verifies: throws where it takes them for false.
      const checked = { 'x-slack-request-timestamp': time, 'x-slack-signature': headers['x-slack-signature'] };
      verifySlackRequest({ signingSecret: SECRETS[0] ?? '', body, headers: checked, nowMilliseconds: nowMs });
      return Promise.resolve(headers);
    },
  },
  {
    name: 'Shopify',
    secret: SECRETS[0] ?? '',
    sign: async (rawBody) => {
      const headers = { 'x-shopify-hmac-sha256': hmacBase64(SECRETS[0] ?? '', rawBody) };
      const about = {
        'X-Shopify-Topic': 'app/uninstalled',
        'X-Shopify-API-Version': '2026-01',
        'X-Shopify-Shop-Domain': 'a.myshopify.com',
        'X-Shopify-Webhook-Id': '1',
      };
      // The library only verifies.
      const { webhooks } = shopifyApi({
        apiSecretKey: SECRETS[0] ?? '',
        apiKey: 'k',
        hostName: 'h',
        apiVersion: ApiVersion.January25,
        isEmbeddedApp: true,
        logger: { level: LogSeverity.Error },
      });
      expect(await webhooks.validate({ rawBody, rawRequest: { headers: { ...headers, ...about } } })).toMatchObject({ valid: true });
      return headers;
    },
  },
  {
    name: 'Svix',
    secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    sign: (body, nowMs) =>
      Promise.resolve({
        'svix-id': 'msg_1',
        'svix-timestamp': String(Math.floor(nowMs / 1_000)),
        'svix-signature': new Svix('whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD').sign('msg_1', new Date(nowMs), body),
      }),
  },
];

/** The verifier of a source of the example. */
function verifierOf(name: string, secret: string): Verify {
  const env = { ...ENV, [variableOf(name)]: secret };
  const loaded = loadConfig(new URL('../../../config/examples/other-senders.yaml', import.meta.url).pathname, env, kinds);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const source = loaded.config.sources.find((one) => one.name === name.toLowerCase());
  if (source === undefined) throw new Error(`the example has no source for ${name}`);
  return source.verify;
}

function variableOf(name: string): string {
  return name === 'Slack' ? 'SLACK_SIGNING_SECRET' : `${name.toUpperCase()}_WEBHOOK_SECRET`;
}

describe.each(SENDERS)('what $name sends', ({ name, secret, sign }) => {
  const text = '{"id":"evt_1","text":"Größe € 😀"}';
  const body = Buffer.from(text);
  const verify = verifierOf(name, secret);

  it('is authentic', async () => {
    expect(verify({ headers: await sign(text, NOW_MS), body }, NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
  });

  it('is not, with another body or another secret', async () => {
    const headers = await sign(text, NOW_MS);
    expect(verify({ headers, body: Buffer.from(`${text} `) }, NOW_MS).authentic).toBe(false);
    const other = secret
      .replace(/[a-z](?=.{8}$)/i, (char) => (char === 'a' ? 'b' : 'a'))
      .replace(/\d(?=.{6}$)/, (digit) => String((Number(digit) + 1) % 10));
    expect(other).not.toBe(secret);
    expect(verifierOf(name, other)({ headers, body }, NOW_MS).authentic).toBe(false);
  });

  it.runIf(['Stripe', 'Slack', 'Svix'].includes(name))('is not, once it is old', async () => {
    const headers = await sign(text, NOW_MS);
    expect(verify({ headers, body }, NOW_MS + 300_000).authentic).toBe(true);
    expect(verify({ headers, body }, NOW_MS + 301_000)).toMatchObject({ authentic: false, detail: expect.stringContaining('301 s old') as string });
  });
});

describe('an HMAC that proves nothing', () => {
  const signature = { header: 'X-Signature', prefix: '' };
  const timestamp = { header: 'X-Time', prefix: '', unit: 's' } as const;

  it.each([
    [{ signed: [{ text: 'a' }] as const }, 'the body is not signed: anybody may change it'],
    [{ signed: ['body'] as const, timestamp }, 'the timestamp is not signed: anybody may renew it'],
    [{ signed: ['timestamp', 'body'] as const }, 'a timestamp is signed, and nothing says where it is'],
  ])('%j is a mistake', (parts, what) => {
    const problems = problemsOf(hmac, { ...PLAIN, secrets: SECRETS, signature, ...parts, signed: [...parts.signed] });
    expect(problems.map((problem) => problem.what)).toEqual([what]);
  });

  it.each([
    ['base64', 'no base64 at all, this', 'the secret is no base64'],
    ['hex', '6f1d0c5b9a7e4f3288d1z', 'the secret is no hex'],
    ['base64', 'whsec_MfKQ9r8GKYo=', 'the secret is shorter than 16 bytes'],
  ] as const)('with a secret that is written in %s as %j', (secretEncoding, secret, what) => {
    const problems = problemsOf(hmac, { ...PLAIN, secrets: [secret], signature, secretEncoding, signed: ['body'] });
    expect(problems.map((problem) => problem.what)).toEqual([what]);
  });
});

describe('a signature among others in one header', () => {
  const verify = prepared(hmac, {
    ...PLAIN,
    secrets: SECRETS,
    signature: { header: 'X-Signature', prefix: 'v1=', separator: ',' },
    timestamp: { header: 'X-Signature', prefix: 't=', separator: ',', unit: 's' },
    signed: ['timestamp', { text: '.' }, 'body'],
  });
  const body = Buffer.from('{}');
  const time = Math.floor(NOW_MS / 1_000);
  const right = createHmac('sha256', SECRETS[0] ?? '')
    .update(`${time}.{}`)
    .digest('hex');
  const other = 'a'.repeat(64);

  it.each([
    [`t=${time},v1=${right}`, true],
    [`t=${time}, v1=${right}`, true],
    [`v0=x,v1=${other},v1=${right},t=${time}`, true],
    [`t=${time},v1=${other}`, false],
    [`t=${time},v1=${right},v1=`, false],
    [`t=${time},t=${time},v1=${right}`, false],
    [`t=${time + 1},v1=${right}`, false],
    [`v1=${right}`, false],
    [`t=${time}`, false],
    [`t=${time},v0=${right}`, false],
    [`t=${time},${Array.from({ length: 20 }, () => `v1=${right}`).join(',')}`, false],
  ])('%s: authentic %s', (header, authentic) => {
    expect(verify({ headers: { 'x-signature': header }, body }, NOW_MS).authentic).toBe(authentic);
  });
});
