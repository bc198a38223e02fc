import { verify as verifyGithub } from '@octokit/webhooks-methods';
import { verifySlackRequest } from '@slack/bolt';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as Svix } from 'svix';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../src/core/event.js';
import type { SinkContext } from '../../src/core/sink.js';
import { createSigner } from '../../src/sinks/http-sign.js';
import { hmac, type HmacConfig } from '../../src/sources/verify/hmac.js';
import { standardWebhooks } from '../../src/sources/verify/standard-webhooks.js';
import { prepared } from '../contract/verifier.js';
import { sinkContract } from '../contract/sink.js';
import { startHttpReceiver, type HttpReceiver, type Received } from '../receivers/http-receiver.js';
import { overHttp } from './http-contract.js';
import { configured, sent } from './sent.js';

const NEW = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const OLD = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const PLAIN = '6f1d0c5b9a7e4f3288d1';
const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7, 123);
const LIMITS = { tolerance: 300_000, futureTolerance: 30_000 };

describe('a signed request', () => {
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
  });
  afterAll(() => receiver.goAway());

  /** What arrived of one event. */
  const arrived = async (parts: object, event: Partial<EventView> = {}, context: Partial<SinkContext> = {}): Promise<Received> => {
    expect(await sent({ type: 'http', url: `${receiver.url}/hook`, ...parts }, event, undefined, context)).toMatchObject({ kind: 'delivered' });
    const last = receiver.received.at(-1);
    if (last === undefined) throw new Error('nothing arrived');
    return last;
  };
  const textsOf = ({ headers }: Received): Record<string, string> =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const odd = { id: 'evt_é', name: 'ü🦊 "quoted"\n', data: { n: 1e21, text: '\u2028' } };

  describe('after Standard Webhooks', () => {
    const sign = { type: 'standard-webhooks', secrets: [NEW, OLD] };

    it.each([NEW, OLD])('is verified by the libraries with any of its secrets: %s', async (secret) => {
      for (const body of ['raw', 'cloudevents', 'cloudevents-binary', { title: '{{ event.name }}' }]) {
        const received = await arrived({ sign, body }, odd);
        for (const library of [new StandardWebhook(secret), new Svix(secret)])
          expect(library.verify(received.body.toString(), textsOf(received))).toEqual(JSON.parse(received.body.toString()));
      }
    });

    it('is verified by a bridge, and not once a byte is changed', async () => {
      const received = await arrived({ sign }, odd);
      const verify = prepared(standardWebhooks, { secrets: [OLD], ...LIMITS });
      expect(verify(received, Date.now())).toEqual({ authentic: true, secretIndex: 0 });
      expect(verify({ ...received, body: Buffer.concat([received.body, Buffer.from(' ')]) }, Date.now())).toMatchObject({ authentic: false });
      expect(verify({ ...received, headers: { ...received.headers, 'webhook-id': 'other' } }, Date.now())).toMatchObject({ authentic: false });
    });

    it('has the delivery’s id, which stays, and the time of the attempt, which does not', async () => {
      const { open, message } = configured({ type: 'http', url: receiver.url, sign });
      let nowMs = NOW_MS;
      const opened = open({ nowMs: () => nowMs });
      const again = message();
      const seen: Received[] = [];
      for (const later of [0, 90_000]) {
        nowMs += later;
        await opened.send([again], AbortSignal.timeout(20_000));
        seen.push(...receiver.received.slice(-1));
      }
      await opened.close();
      expect(seen.map(({ headers }) => [headers['webhook-id'], headers['webhook-timestamp']])).toEqual([
        [again.deliveryId, '1768209847'],
        [again.deliveryId, '1768209937'],
      ]);
      expect(seen[0]?.headers['webhook-signature']).not.toBe(seen[1]?.headers['webhook-signature']);
      for (const { headers } of seen) expect(headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    });

    it('is shown before it is sent with words where the time and the signatures will be', () => {
      const { preview, message } = configured({ type: 'http', url: receiver.url, sign });
      expect(preview(message())['headers']).toMatchObject({
        'webhook-id': message().deliveryId,
        'webhook-timestamp': '(time of the attempt)',
        'webhook-signature': 'v1,(signature) v1,(signature)',
      });
    });
  });

  describe('by a description of HMAC, which is that of the verifier', () => {
    it('is verified by GitHub’s library', async () => {
      const { headers, body } = await arrived({
        sign: { type: 'hmac', secrets: [PLAIN], signature: { header: 'X-Hub-Signature-256', prefix: 'sha256=' } },
      });
      expect(await verifyGithub(PLAIN, body.toString(), String(headers['x-hub-signature-256']))).toBe(true);
      expect(await verifyGithub(`${PLAIN}x`, body.toString(), String(headers['x-hub-signature-256']))).toBe(false);
    });

    it('is verified by Stripe’s library, time and both signatures in one header', async () => {
      const place = { header: 'Stripe-Signature', separator: ',' };
      const { headers, body } = await arrived({
        sign: {
          type: 'hmac',
          secrets: [PLAIN, `${PLAIN}-old`],
          signature: { ...place, prefix: 'v1=' },
          timestamp: { ...place, prefix: 't=' },
          signed: ['timestamp', { text: '.' }, 'body'],
        },
      });
      expect(headers['stripe-signature']).toMatch(/^t=\d{10},v1=[\da-f]{64},v1=[\da-f]{64}$/);
      const { webhooks } = new Stripe('sk_test_none');
      for (const secret of [PLAIN, `${PLAIN}-old`])
        expect(webhooks.constructEvent(body, String(headers['stripe-signature']), secret)).toEqual(JSON.parse(body.toString()));
      expect(() => webhooks.constructEvent(body, String(headers['stripe-signature']), 'another')).toThrow();
    });

    it('is verified by Slack’s library', async () => {
      const { headers, body } = await arrived({
        sign: {
          type: 'hmac',
          secrets: [PLAIN],
          signature: { header: 'X-Slack-Signature', prefix: 'v0=' },
          timestamp: { header: 'X-Slack-Request-Timestamp' },
          signed: [{ text: 'v0:' }, 'timestamp', { text: ':' }, 'body'],
        },
      });
      const checked = {
        'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']),
        'x-slack-signature': String(headers['x-slack-signature']),
      };
      expect(() => verifySlackRequest({ signingSecret: PLAIN, body: body.toString(), headers: checked })).not.toThrow();
      expect(() => verifySlackRequest({ signingSecret: `${PLAIN}x`, body: body.toString(), headers: checked })).toThrow();
    });

    it('is verified by Svix’s library, with an id that an event has', async () => {
      const received = await arrived({
        headers: { 'svix-id': 'msg_{event.id}' },
        sign: {
          type: 'hmac',
          secrets: [NEW],
          secretEncoding: 'base64',
          encoding: 'base64',
          signature: { header: 'svix-signature', prefix: 'v1,', separator: ' ' },
          timestamp: { header: 'svix-timestamp' },
          signed: [{ header: 'svix-id' }, { text: '.' }, 'timestamp', { text: '.' }, 'body'],
        },
      });
      expect(new Svix(NEW).verify(received.body.toString(), textsOf(received))).toEqual(JSON.parse(received.body.toString()));
    });

    it('is verified by a bridge, whatever the description and the body', () => {
      const place = fc.record({ prefix: fc.constantFrom('', 'v1=', 'sha256=', 'a b:'), separator: fc.constantFrom(',', ';') });
      const parts = ['timestamp', 'body', { text: 'vé:' }, { header: 'Castbridge-Delivery-Id' }, { text: '.' }] as const;
      const description = fc.record({
        secretEncoding: fc.constant('hex' as const),
        algorithm: fc.constantFrom('sha1' as const, 'sha256' as const, 'sha512' as const),
        encoding: fc.constantFrom('hex' as const, 'base64' as const),
        signature: place.map((prefixed) => ({ header: 'X-Signature', ...prefixed })),
        timestamp: fc
          .tuple(fc.constantFrom('', 't='), fc.constantFrom('s' as const, 'ms' as const))
          .map(([prefix, unit]) => ({ header: 'X-Time', prefix, unit })),
        signed: fc.shuffledSubarray([...parts], { minLength: parts.length }),
      });
      const key = fc.nat().map((seed) => createHash('sha256').update(String(seed)).digest('hex'));
      fc.assert(
        fc.property(description, fc.uniqueArray(key, { minLength: 1, maxLength: 3 }), fc.uint8Array(), (described, secrets, bytes) => {
          const config = { ...described, secrets };
          const body = Buffer.from(bytes);
          const headers = { 'castbridge-delivery-id': '1-a.0' };
          const signature = createSigner({ type: 'hmac', ...config }).sign({ headers, body }, '1-a.0', NOW_MS);
          secrets.forEach((secret) => {
            const verify = prepared(hmac, { ...config, secrets: [secret], ...LIMITS });
            expect(verify({ headers: { ...headers, ...signature }, body }, NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
          });
        }),
      );
    });

    it('signs the received bytes, also where they are no text', async () => {
      const sign = { type: 'hmac', secrets: [PLAIN], signature: { header: 'X-Signature' } };
      const { open, message } = configured({ type: 'http', url: receiver.url, sign });
      const opened = open();
      const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0xef, 0xbb, 0xbf]);
      await opened.send([message({}, bytes)], AbortSignal.timeout(20_000));
      await opened.close();
      const received = receiver.received.at(-1);
      expect(received?.body).toEqual(bytes);
      const config: HmacConfig = {
        secrets: [PLAIN],
        secretEncoding: 'text',
        algorithm: 'sha256',
        encoding: 'hex',
        signature: { header: 'X-Signature', prefix: '' },
        signed: ['body'],
        ...LIMITS,
      };
      expect(prepared(hmac, config)({ headers: received?.headers ?? {}, body: bytes }, NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
    });

    it('is none where a header that is signed comes out empty: that is a dead letter', () => {
      const sign = { type: 'hmac', secrets: [PLAIN], signature: { header: 'X-Signature' }, signed: [{ header: 'X-Id' }, 'body'] };
      const { message } = configured({ type: 'http', url: receiver.url, headers: { 'X-Id': '{event.cluster.id}' }, sign });
      expect(() => message({ cluster: { id: null, name: null } })).toThrow('the header "x-id" is signed, and is empty');
    });
  });
});

describe('what cannot be signed is a mistake', () => {
  const signature = { header: 'X-Signature' };
  it.each<[object, string, object?]>([
    [{ type: 'standard-webhooks', secrets: ['whsec_not base64'] }, 'sign.secrets[0]: the secret is no base64'],
    [{ type: 'standard-webhooks', secrets: ['whsec_AAAA'] }, 'sign.secrets[0]: the secret is'],
    [{ type: 'standard-webhooks', secrets: [] }, 'sign.secrets: it is empty'],
    [{ type: 'standard-webhooks', secrets: [NEW], algorithm: 'sha512' }, 'sign.algorithm: `standard-webhooks` says this itself'],
    [{ type: 'standard-webhooks', secrets: [NEW], signature }, 'sign.signature: `standard-webhooks` says this itself'],
    [{ type: 'standard-webhooks', secrets: [NEW] }, 'the header "webhook-id" is set elsewhere too', { headers: { 'Webhook-Id': '1' } }],
    [{ type: 'hmac', secrets: [PLAIN] }, 'sign: "signature" is missing'],
    [{ type: 'hmac', secrets: ['changeme'], signature }, 'sign.secrets[0]: the secret is a placeholder'],
    [{ type: 'hmac', secrets: [PLAIN, `${PLAIN}x`], signature }, 'sign.secrets: each secret makes a signature, and the header has room for one'],
    [{ type: 'hmac', secrets: [PLAIN], signature, signed: ['timestamp'] }, 'sign.signed: the body is not signed'],
    [{ type: 'hmac', secrets: [PLAIN], signature, timestamp: { header: 'X-Time' } }, 'sign.timestamp: the timestamp is not signed'],
    [
      { type: 'hmac', secrets: [PLAIN], signature, timestamp: { header: 'x-signature', prefix: 't=' }, signed: ['timestamp', 'body'] },
      'sign.timestamp.header: the signature is in this header too',
    ],
    [{ type: 'hmac', secrets: [PLAIN], signature, signed: ['body', { header: 'X-Id' }] }, 'sign.signed[1].header: no such header is sent'],
    [{ type: 'hmac', secrets: [PLAIN], signature, signed: ['body', { header: 'Host' }] }, 'sign.signed[1].header: no such header is sent'],
    [{ type: 'hmac', secrets: [PLAIN], signature: { header: 'Content-Length' } }, 'sign.signature.header: the bridge sets "Content-Length" itself'],
    [
      { type: 'hmac', secrets: [PLAIN], signature: { header: 'X-S', prefix: 'a\nb' } },
      'sign.signature.prefix: the value of a header holds a line end',
    ],
    [{ type: 'hmac', secrets: [PLAIN], signature }, 'the header "x-signature" is set elsewhere too', { headers: { 'X-Signature': 'a' } }],
    [{ type: 'rsa', secrets: [PLAIN] }, 'sign.type'],
  ])('%j', (sign, told, parts = {}) => {
    expect(() => configured({ type: 'http', url: 'https://host.example/', sign, ...parts })).toThrow(told);
  });

  it.each([
    [{ header: 'Content-Type' }, {}],
    [{ header: 'castbridge-delivery-id' }, {}],
    [{ header: 'X-Id' }, { headers: { 'x-id': '{event.id}' } }],
    [{ header: 'Authorization' }, { auth: { type: 'bearer', token: 'token-1234567890' } }],
    [{ header: 'ce-id' }, { body: 'cloudevents-binary' }],
  ])('but every header that is sent can be: %j with %j', (header, parts) => {
    const sign = { type: 'hmac', secrets: [PLAIN], signature, signed: [header, 'body'] };
    expect(() => configured({ type: 'http', url: 'https://host.example/', sign, ...parts })).not.toThrow();
  });
});

sinkContract('http, signed and with a token', async () => {
  const receiver = await startHttpReceiver();
  return overHttp(receiver, {
    config: {
      type: 'http',
      url: `${receiver.url}/hook`,
      auth: { type: 'bearer', token: 'canary-token-4f1d0c' },
      sign: { type: 'standard-webhooks', secrets: [NEW] },
      body: 'cloudevents-binary',
    },
    secrets: ['canary-token-4f1d0c', NEW.slice('whsec_'.length)],
    idHeader: 'webhook-id',
    shown: (name, value) => {
      if (name === 'webhook-timestamp') return '(time of the attempt)';
      return name === 'webhook-signature' ? 'v1,(signature)' : value;
    },
  });
});

it('that signs a header which a dead letter has not is a dead letter itself, at once', async () => {
  const sign = { type: 'hmac', secrets: [PLAIN], signature: { header: 'x-sig' }, signed: ['body', { header: 'castbridge-type' }] };
  const { open, message } = configured({ type: 'http', url: 'http://127.0.0.1:9/', sign });
  const sink = open();
  const given = message();
  const [outcome] = await sink.send([{ ...given, event: { ...given.event, type: '' } }], AbortSignal.timeout(5_000));
  expect(outcome).toMatchObject({ kind: 'rejected', reason: 'render_error' });
  await sink.close();
});
