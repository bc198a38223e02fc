import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretFault } from '../../src/core/secret.js';

describe('T42: a secret', () => {
  it.each(['', ' ', '\t\n'])('that is blank is none: %j', (secret) => {
    expect(secretFault(secret)?.what).toBe('the secret is empty');
  });

  it.each([
    'changeme',
    'CHANGE_ME',
    'change-me-please',
    'secret',
    'Secret',
    'test',
    'testing',
    'password',
    'your-secret',
    'your_webhook_secret_here',
    '<your-secret>',
    '<paste the secret of the console>',
    'my-super-secret-key',
    'castai-webhook-secret',
    'CASTAI_WEBHOOK_SECRET',
    'whsec_placeholder',
    'whsec_your_secret_here',
    'whsec_xxxxxxxxxxxxxxxxxxxxxxxx',
    'whsec_test',
    'replace-with-your-secret',
    'TODO',
    'example-secret',
    'undefined',
    'null',
    'xxxxxxxxxxxxxxxxxxxx',
    '********************',
    '0000000000000000',
    '12345678901234567890',
    '${CASTAI_WEBHOOK_SECRET}',
    '$CASTAI_WEBHOOK_SECRET',
    '{{ .Values.secret }}',
    '%CASTAI_WEBHOOK_SECRET%',
    'prefix-${SECRET:-}',
  ])('that only holds the place of one is none: %s', (secret) => {
    expect(secretFault(secret)?.what).toBe('the secret is a placeholder');
  });

  it.each(['k3mQ', 'Tr0ub4dor&3', 'a1b2c3d4e5f6a7b'])('that is too short is none: %s', (secret) => {
    expect(secretFault(secret)?.what).toBe('the secret is shorter than 16 bytes');
  });

  it.each(['correct horse battery staple', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'пароль-для-вебхука', '!#"§$%&/()=?`´*+~'])(
    'may be a text like %s',
    (secret) => {
      expect(secretFault(secret)).toBeNull();
    },
  );

  it('that is random is good, in hex and in base64', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 64 }).map(() => randomBytes(32));
    fc.assert(fc.property(bytes, (random) => secretFault(random.toString('hex')) === null && secretFault(random.toString('base64')) === null));
  });

  it('T47: is not repeated in what is said of it', () => {
    expect(JSON.stringify(secretFault('k3mQ-canary'))).not.toContain('k3mQ');
  });
});
