import { createSecretKey } from 'node:crypto';
import { Type, type Static } from '../../schema/typebox.js';
import type { Signing } from '../../core/signing.js';
import type { VerifierKind } from '../../core/source.js';
import { Secrets, Tolerances } from '../../schema/values.js';
import { keysOf } from './secrets.js';
import { signingSetup } from './shell.js';
import { createVerify, sign } from './signature.js';

const schema = Type.Object({ secrets: Secrets({ examples: [['${CASTAI_WEBHOOK_SECRET}']] }), ...Tolerances }, { additionalProperties: false });

export type CastaiConfig = Static<typeof schema>;

const SCHEME: Signing = {
  algorithm: 'sha256',
  encoding: 'hex',
  signature: { header: 'x-castai-signature', prefix: '', separator: null },
  timestamp: { header: 'x-castai-timestamp', prefix: '', separator: null, unitMs: 1_000 },
  signed: ['timestamp', { text: '.' }, 'body'],
};

/** The signed envelope: an HMAC-SHA256 over `<timestamp>.<body>` in `x-castai-signature`, the time in `x-castai-timestamp`. */
export const castai: VerifierKind<CastaiConfig> = {
  type: 'castai',
  description:
    'Checks `x-castai-signature`, the lower-case hex HMAC-SHA256 of `<x-castai-timestamp>.<body>`, and that the timestamp (Unix time in whole seconds) is recent.',
  schema,
  prepare: ({ secrets, ...tolerances }, report) => createVerify({ ...SCHEME, ...tolerances }, keysOf(secrets, 'text', ['secrets'], report)),
  replayMs: (config) => config.tolerance + config.futureTolerance,
  setup: (_config, sent) => signingSetup(SCHEME, 'text', sent),
};

/** What `x-castai-signature` holds for this body: for senders and tests. */
export function signCastai(secret: string, timestampSeconds: number, body: Buffer): string {
  return sign(SCHEME, createSecretKey(secret, 'utf8'), { headers: {}, body }, String(timestampSeconds));
}
