import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { castai, signCastai } from '../../../src/sources/verify/castai.js';
import { prepared, verifierContract } from '../../contract/verifier.js';

const SECRETS = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
const NOW_S = 1_768_209_847;
const NOW_MS = NOW_S * 1000;
const LIMITS = { tolerance: 300_000, futureTolerance: 30_000 };
const BODY = Buffer.from('{"id":"evt_1","type":"resource.created","data":{},"created":"2026-01-12T09:24:07Z"}');

const configure = (secrets: readonly string[]) => ({ secrets: [...secrets], ...LIMITS });
const verify = prepared(castai, configure(SECRETS));

function signed(body: Buffer = BODY, seconds: number | string = NOW_S): { headers: Record<string, string>; body: Buffer } {
  const signature = createHmac('sha256', SECRETS[0] ?? '')
    .update(`${seconds}.`)
    .update(body)
    .digest('hex');
  return { headers: { 'x-castai-timestamp': String(seconds), 'x-castai-signature': signature }, body };
}

verifierContract('castai', {
  kind: castai,
  secrets: SECRETS,
  configure,
  coversBody: true,
  toleratesS: { past: 300, future: 30 },
  sign: (secret, body, nowMs) => ({
    'x-castai-timestamp': String(Math.floor(nowMs / 1000)),
    'x-castai-signature': signCastai(secret, Math.floor(nowMs / 1000), body),
  }),
});

describe('castai signatures', () => {
  it('are the lower-case hex HMAC-SHA256 of timestamp, dot and body', () => {
    // printf '1768209847.{"a":1}' | openssl dgst -sha256 -hmac key
    expect(signCastai('key', 1_768_209_847, Buffer.from('{"a":1}'))).toBe('8fb2299c510270b1941152c25b4b31ab3d4a7f08c2ab98424b8e31dd0bb0ab83');
  });

  it('bind the timestamp: one second more and they are void', () => {
    const { headers, body } = signed();
    expect(verify({ headers: { ...headers, 'x-castai-timestamp': String(NOW_S + 1) }, body }, NOW_MS).authentic).toBe(false);
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28])],
    ['a byte order mark', Buffer.from('\uFEFF{"id":"1"}')],
    ['nothing at all', Buffer.alloc(0)],
    ['a megabyte', Buffer.alloc(1_048_576, 'x')],
  ])('hold over %s', (_, body) => {
    expect(verify(signed(body), NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
  });

  const right = signed().headers['x-castai-signature'] ?? '';
  it.each([
    ['in upper case', right.toUpperCase()],
    ['of odd length', right.slice(1)],
    ['cut short', right.slice(0, 32)],
    ['too long', `${right}00`],
    ['that is not hex', 'z'.repeat(64)],
    ['with a prefix', `sha256=${right}`],
    ['with white space', ` ${right}`],
    ['with a line end', `${right}\n`],
    ['of 64 KB', 'a'.repeat(65_536)],
    ['sent twice', `${right}, ${right}`],
    ['that is empty', ''],
    ['for another body', signed(Buffer.from('{}')).headers['x-castai-signature'] ?? ''],
  ])('T44: one %s is refused', (_, signature) => {
    const { headers, body } = signed();
    expect(verify({ headers: { ...headers, 'x-castai-signature': signature }, body }, NOW_MS)).toMatchObject({ authentic: false });
  });
});

describe('castai timestamps', () => {
  it.each([
    '',
    ' ',
    'now',
    'NaN',
    '-1',
    '+1768209847',
    '1768209847.0',
    '1.768209847e9',
    '0x6964bd77',
    '01768209847',
    ' 1768209847',
    '1768209847\n',
    '9'.repeat(400),
  ])('that are no whole number of seconds are refused, rightly signed or not: %j', (timestamp) => {
    expect(verify(signed(BODY, timestamp), NOW_MS)).toMatchObject({ authentic: false });
  });

  it('in milliseconds are in a far future', () => {
    expect(verify(signed(BODY, NOW_MS), NOW_MS)).toMatchObject({ authentic: false });
  });
});
