import { createHash, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Problem, Report } from '../../core/problem.js';
import { SECRET_BYTES_MIN, secretFault } from '../../core/secret.js';

/** How a secret is written down. */
export type SecretEncoding = 'text' | 'base64' | 'hex';

/** Reports what is wrong with secrets: `path` is that of their list. */
export function reportSecrets(secrets: readonly string[], path: Problem['path'], report: Report, encoding: SecretEncoding = 'text'): void {
  secrets.forEach((secret, index) => {
    const fault = secretFault(secret) ?? encodingFault(secret, encoding);
    if (fault !== null) report({ path: [...path, index], ...fault });
  });
}

/** The keys that signatures are made with. What is no key is reported, and left out: what is built from the rest never runs. */
export function keysOf(secrets: readonly string[], encoding: SecretEncoding, path: Problem['path'], report: Report): KeyObject[] {
  reportSecrets(secrets, path, report, encoding);
  return secrets.flatMap((secret) => {
    const bytes = bytesOf(secret, encoding);
    // An empty text makes no key.
    return bytes === null || bytes.length === 0 ? [] : [createSecretKey(bytes)];
  });
}

function encodingFault(secret: string, encoding: SecretEncoding): ReturnType<typeof secretFault> {
  const bytes = bytesOf(secret, encoding);
  if (bytes === null) return { what: `the secret is no ${encoding}`, remedy: 'copy it whole, as the sender shows it' };
  if (bytes.length >= SECRET_BYTES_MIN) return null;
  return { what: `the secret is shorter than ${SECRET_BYTES_MIN} bytes`, remedy: 'have the sender make a longer one' };
}

function bytesOf(secret: string, encoding: SecretEncoding): Buffer | null {
  if (encoding === 'text') return Buffer.from(secret);
  // What senders after Standard Webhooks put before it.
  const text = secret.replace(/^whsec_/, '');
  const bytes = Buffer.from(text, encoding);
  const again = bytes.toString(encoding);
  return again === text || again.replace(/=+$/, '') === text || (encoding === 'hex' && again === text.toLowerCase()) ? bytes : null;
}

/** Index of the one of `expected` that `given` is, or -1. Compares hashes, so that neither lengths nor common beginnings show; every one is tried. */
export function createIndexOf(expected: readonly Buffer[]): (given: Buffer) => number {
  const hashes = expected.map(hash);
  return (given) => {
    const hashed = hash(given);
    let found = -1;
    hashes.forEach((one, index) => {
      if (timingSafeEqual(one, hashed) && found === -1) found = index;
    });
    return found;
  };
}

function hash(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
