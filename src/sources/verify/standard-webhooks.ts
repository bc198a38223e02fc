import { Type, type Static } from '../../schema/typebox.js';
import { STANDARD_WEBHOOKS } from '../../core/signing.js';
import type { VerifierKind } from '../../core/source.js';
import { Secrets, Tolerances } from '../../schema/values.js';
import { keysOf } from './secrets.js';
import { signingSetup } from './shell.js';
import { createVerify } from './signature.js';

const schema = Type.Object(
  {
    secrets: Secrets({ examples: [['${WEBHOOK_SECRET}']], description: '`whsec_` and base64' }),
    ...Tolerances,
  },
  { additionalProperties: false },
);

type StandardWebhooksConfig = Static<typeof schema>;

/** The signatures of Standard Webhooks. */
export const standardWebhooks: VerifierKind<StandardWebhooksConfig> = {
  type: 'standard-webhooks',
  description:
    'Checks `webhook-signature` after Standard Webhooks: any of its `v1,` signatures, HMAC-SHA256 in base64 over `<webhook-id>.<webhook-timestamp>.<body>`, and that the timestamp is recent.',
  schema,
  prepare: ({ secrets, ...tolerances }, report) =>
    createVerify({ ...STANDARD_WEBHOOKS, ...tolerances }, keysOf(secrets, 'base64', ['secrets'], report)),
  replayMs: (config) => config.tolerance + config.futureTolerance,
  setup: (_config, sent) => signingSetup(STANDARD_WEBHOOKS, 'base64', sent),
};
