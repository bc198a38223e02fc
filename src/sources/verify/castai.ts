import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { Report } from '../../core/problem.js';
import { secretFault } from '../../core/secret.js';
import type { SignedRequest, Verdict, VerifierKind, Verify } from '../../core/source.js';
import { AGE, Duration, Secret } from '../../schema/values.js';

const schema = Type.Object(
  {
    secrets: Type.Array(Secret({ description: 'a shared secret', examples: ['${CASTAI_WEBHOOK_SECRET}'] }), {
      minItems: 1,
      description: 'every secret that is valid now; to rotate: add the new one, change the sender, remove the old one',
      examples: [['${CASTAI_WEBHOOK_SECRET}']],
    }),
    tolerance: Duration({ default: '5m', description: 'how old a signed request may be', ...AGE }),
    futureTolerance: Duration({ default: '30s', description: "how far ahead of this machine's clock the sender's may be" }),
  },
  { additionalProperties: false },
);

export type CastaiConfig = Static<typeof schema>;

/** The signed envelope: an HMAC-SHA256 over `<timestamp>.<body>` in `x-castai-signature`, the time in `x-castai-timestamp`. */
export const castai: VerifierKind<CastaiConfig> = {
  type: 'castai',
  description:
    'Checks `x-castai-signature`, the lower-case hex HMAC-SHA256 of `<x-castai-timestamp>.<body>`, and that the timestamp (Unix time in whole seconds) is recent.',
  schema,
  prepare,
  replayMs: (config) => config.tolerance + config.futureTolerance,
};

/** What `x-castai-signature` holds for this body: for senders and tests. */
export function signCastai(secret: string, timestampSeconds: number, body: Buffer): string {
  return digest(createSecretKey(secret, 'utf8'), String(timestampSeconds), body).toString('hex');
}

/** Upper case is refused too: the specification says lower-case hex. */
const SIGNATURE = /^[0-9a-f]{64}$/;
/** Whole seconds in plain digits; twelve of them last some 30,000 years. */
const TIMESTAMP = /^(?:0|[1-9][0-9]{0,11})$/;

function prepare(config: CastaiConfig, report: Report): Verify {
  config.secrets.forEach((secret, index) => {
    const fault = secretFault(secret);
    if (fault !== null) report({ path: ['secrets', index], ...fault });
  });
  // An empty text makes no key. It was reported above, so what is built from the rest never runs.
  const keys = config.secrets.filter((secret) => secret !== '').map((secret) => createSecretKey(secret, 'utf8'));
  return (request, nowMs) => verify(request, nowMs, keys, config);
}

function verify({ headers, body }: SignedRequest, nowMs: number, keys: readonly KeyObject[], config: CastaiConfig): Verdict {
  const signature = headers['x-castai-signature'];
  const timestamp = headers['x-castai-timestamp'];
  if (signature === undefined) return refused('there is no x-castai-signature');
  if (timestamp === undefined) return refused('there is no x-castai-timestamp');
  // Also what a list and a header sent twice come to: Node joins repeats by ', '.
  if (typeof timestamp !== 'string' || !TIMESTAMP.test(timestamp)) return refused('x-castai-timestamp is not one Unix time in whole seconds');
  if (typeof signature !== 'string' || !SIGNATURE.test(signature)) return refused('x-castai-signature is not 64 digits of lower-case hex');
  const ageMs = nowMs - Number(timestamp) * 1000;
  if (ageMs > config.tolerance) return refused(`the timestamp is ${Math.round(ageMs / 1000)} s old; is a clock wrong, or was the request replayed?`);
  if (-ageMs > config.futureTolerance) return refused(`the timestamp is ${Math.round(-ageMs / 1000)} s in the future; is a clock wrong?`);

  const secretIndex = matchingKey(Buffer.from(signature, 'hex'), timestamp, body, keys);
  return secretIndex === -1 ? refused('the signature matches none of the secrets') : { authentic: true, secretIndex };
}

/** Index of the key that made `signature`, or -1. Every key is tried, so that the time taken does not tell which one matched. */
function matchingKey(signature: Buffer, timestamp: string, body: Buffer, keys: readonly KeyObject[]): number {
  let match = -1;
  keys.forEach((key, index) => {
    if (timingSafeEqual(digest(key, timestamp, body), signature) && match === -1) match = index;
  });
  return match;
}

/** The body goes in as bytes: as a string, a BOM or anything that is not UTF-8 would never verify. */
function digest(key: KeyObject, timestamp: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(`${timestamp}.`).update(body).digest();
}

function refused(detail: string): Verdict {
  return { authentic: false, detail };
}
