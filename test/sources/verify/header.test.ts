import { describe, expect, it } from 'vitest';
import { header } from '../../../src/sources/verify/header.js';
import { prepared, verifierContract } from '../../contract/verifier.js';

const SECRETS = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
const NOW_MS = 0;
const body = Buffer.alloc(0);

verifierContract('header', {
  kind: header,
  secrets: SECRETS,
  configure: (secrets) => ({ header: 'X-Bridge-Token', prefix: '', secrets: [...secrets] }),
  coversBody: false,
  sign: (secret) => ({ 'x-bridge-token': secret }),
});

verifierContract('header, a bearer token', {
  kind: header,
  secrets: SECRETS,
  configure: (secrets) => ({ header: 'Authorization', prefix: 'Bearer ', secrets: [...secrets] }),
  coversBody: false,
  sign: (secret) => ({ authorization: `Bearer ${secret}` }),
});

describe('a secret in a header', () => {
  const verify = prepared(header, { header: 'authorization', prefix: 'Bearer ', secrets: SECRETS });
  const [secret = ''] = SECRETS;

  it.each([
    ['in another case of the prefix', `bearer ${secret}`, true],
    ['without the prefix', secret, false],
    ['behind another prefix', `Basic ${secret}`, false],
    ['with a space behind the prefix', `Bearer  ${secret}`, false],
    ['in upper case', `Bearer ${secret.toUpperCase()}`, false],
    ['with more behind it', `Bearer ${secret}0`, false],
    ['cut short', `Bearer ${secret.slice(0, -1)}`, false],
    ['that is nothing but the prefix', 'Bearer ', false],
    ['of 64 KB', `Bearer ${'a'.repeat(65_536)}`, false],
  ])('%s: authentic %s', (_, authorization, authentic) => {
    expect(verify({ headers: { authorization }, body }, NOW_MS).authentic).toBe(authentic);
  });

  it('may hold any character: a header is bytes', () => {
    const secrets = ['schlüssel-für-die-brücke'];
    const sent = Buffer.from(secrets[0] ?? '').toString('latin1');
    const verifyBytes = prepared(header, { header: 'X-Token', prefix: '', secrets });
    expect(verifyBytes({ headers: { 'x-token': sent }, body }, NOW_MS)).toEqual({ authentic: true, secretIndex: 0 });
    expect(verifyBytes({ headers: { 'x-token': secrets[0] }, body }, NOW_MS).authentic).toBe(false);
  });
});
