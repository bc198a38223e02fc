import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { standardWebhooks } from '../../../src/sources/verify/standard-webhooks.js';
import { prepared, verifierContract } from '../../contract/verifier.js';
import { hmacBase64 } from './independent.js';

const SECRETS = ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);
const LIMITS = { tolerance: 300_000, futureTolerance: 30_000 };
const configure = (secrets: readonly string[]) => ({ secrets: [...secrets], ...LIMITS });

/** As the library signs; what is no text it cannot sign. */
function signed(secret: string, body: string, nowMs: number) {
  const signature = new Webhook(secret).sign('msg_1', new Date(nowMs), body);
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(nowMs / 1_000)), 'webhook-signature': signature };
}

verifierContract('standard-webhooks', {
  kind: standardWebhooks,
  secrets: SECRETS,
  configure,
  coversBody: true,
  toleratesS: { past: 300, future: 30 },
  sign: (secret, body, nowMs) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(nowMs / 1_000)),
    'webhook-signature': `v1,${hmacBase64(Buffer.from(secret.slice('whsec_'.length), 'base64'), `msg_1.${Math.floor(nowMs / 1_000)}.`, body)}`,
  }),
});

describe('standard webhooks', () => {
  const verify = prepared(standardWebhooks, configure(SECRETS));
  const body = Buffer.from('{"type":"order.created","data":"€"}');
  const headers = signed(SECRETS[0] ?? '', body.toString(), NOW_MS);
  const right = headers['webhook-signature'];

  it('are accepted as the library signs them', () => {
    SECRETS.forEach((secret, secretIndex) =>
      expect(verify({ headers: signed(secret, body.toString(), NOW_MS), body }, NOW_MS)).toEqual({ authentic: true, secretIndex }),
    );
  });

  const other = `v1,${randomBytes(32).toString('base64')}`;
  it.each([
    ['another before it', `${other} ${right}`, true],
    ['another behind it', `${right} ${other}`, true],
    ['one of another version before it', `v1a,${randomBytes(64).toString('base64')} ${right}`, true],
    ['only others', `${other} ${other}`, false],
    ['only another version', right.replace('v1,', 'v2,'), false],
    ['no version', right.slice(3), false],
    ['one that is none beside it', `${right} v1,abc`, false],
    ['seventeen', Array.from({ length: 17 }, () => right).join(' '), false],
    ['no padding', right.replace(/=$/, ''), false],
    ['white space in it', `${right.slice(0, 9)} ${right.slice(9)}`, false],
  ])('with %s: authentic %s', (_, signature, authentic) => {
    expect(verify({ headers: { ...headers, 'webhook-signature': signature }, body }, NOW_MS).authentic).toBe(authentic);
  });

  it('bind the id and the time', () => {
    expect(verify({ headers: { ...headers, 'webhook-id': 'msg_2' }, body }, NOW_MS).authentic).toBe(false);
    expect(verify({ headers: { ...headers, 'webhook-timestamp': String(Math.floor(NOW_MS / 1_000) - 1) }, body }, NOW_MS).authentic).toBe(false);
  });
});
