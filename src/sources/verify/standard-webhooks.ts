import { Type, type Static } from 'typebox';
import type { VerifierKind } from '../../core/source.js';
import { Secrets, Tolerances } from '../../schema/values.js';
import { keysOf } from './secrets.js';
import { signingSetup } from './shell.js';
import { createVerify, type Scheme } from './signature.js';

const schema = Type.Object(
  {
    secrets: Secrets({ examples: [['${WEBHOOK_SECRET}']], description: '`whsec_` and base64' }),
    ...Tolerances,
  },
  { additionalProperties: false },
);

type StandardWebhooksConfig = Static<typeof schema>;

/** How it is signed by https://www.standardwebhooks.com, symmetric. */
const SCHEME: Omit<Scheme, 'tolerance' | 'futureTolerance'> = {
  algorithm: 'sha256',
  encoding: 'base64',
  signature: { header: 'webhook-signature', prefix: 'v1,', separator: ' ' },
  timestamp: { header: 'webhook-timestamp', prefix: '', separator: null, unitMs: 1_000 },
  signed: [{ header: 'webhook-id' }, { text: '.' }, 'timestamp', { text: '.' }, 'body'],
};

/** The signatures of Standard Webhooks. */
export const standardWebhooks: VerifierKind<StandardWebhooksConfig> = {
  type: 'standard-webhooks',
  description:
    'Checks `webhook-signature` after Standard Webhooks: any of its `v1,` signatures, HMAC-SHA256 in base64 over `<webhook-id>.<webhook-timestamp>.<body>`, and that the timestamp is recent.',
  schema,
  prepare: ({ secrets, ...tolerances }, report) => createVerify({ ...SCHEME, ...tolerances }, keysOf(secrets, 'base64', ['secrets'], report)),
  replayMs: (config) => config.tolerance + config.futureTolerance,
  setup: (_config, sent) => signingSetup(SCHEME, 'base64', sent),
};
