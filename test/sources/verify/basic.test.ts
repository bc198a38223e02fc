import { describe, expect, it } from 'vitest';
import { basic } from '../../../src/sources/verify/basic.js';
import { prepared, verifierContract } from '../../contract/verifier.js';

const SECRETS = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
const body = Buffer.alloc(0);

const credentials = (text: string) => Buffer.from(text).toString('base64');

verifierContract('basic', {
  kind: basic,
  secrets: SECRETS,
  configure: (secrets) => ({ username: 'castai', passwords: [...secrets] }),
  coversBody: false,
  sign: (secret) => ({ authorization: `Basic ${credentials(`castai:${secret}`)}` }),
});

describe('a name and a password', () => {
  const password = 'Gefäß:mit-Doppelpunkt';
  const verify = prepared(basic, { username: 'büro', passwords: [password] });

  it.each([
    ['right', `Basic ${credentials(`büro:${password}`)}`, true],
    ['in another case of the scheme', `basic ${credentials(`büro:${password}`)}`, true],
    ['of another name', `Basic ${credentials(`buero:${password}`)}`, false],
    ['of no name', `Basic ${credentials(`:${password}`)}`, false],
    ['with the colon elsewhere', `Basic ${credentials('büro:Gefäß')}`, false],
    ['of another scheme', `Bearer ${credentials(`büro:${password}`)}`, false],
    ['that is no base64', 'Basic büro:x', false],
    ['with more behind it', `Basic ${credentials(`büro:${password}`)} x`, false],
    ['of 64 KB', `Basic ${'a'.repeat(65_536)}`, false],
  ])('%s: authentic %s', (_, authorization, authentic) => {
    expect(verify({ headers: { authorization }, body }, 0).authentic).toBe(authentic);
  });
});
