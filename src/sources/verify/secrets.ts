import { createHash, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Problem, Report } from '../../core/problem.js';
import { reportSecrets, secretBytes, type SecretEncoding } from '../../core/secret.js';

/** The keys that signatures are made with. What is no key is reported, and left out: what is built from the rest never runs. */
export function keysOf(secrets: readonly string[], encoding: SecretEncoding, path: Problem['path'], report: Report): KeyObject[] {
  reportSecrets(secrets, path, report, encoding);
  return secrets.flatMap((secret) => {
    const bytes = secretBytes(secret, encoding);
    // An empty text makes no key.
    return bytes === null || bytes.length === 0 ? [] : [createSecretKey(bytes)];
  });
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
