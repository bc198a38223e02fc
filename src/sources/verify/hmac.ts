import { Type, type Static } from '../../schema/typebox.js';
import type { Report } from '../../core/problem.js';
import { reportUnsigned, signingOf } from '../../core/signing.js';
import type { VerifierKind, Verify } from '../../core/source.js';
import { Algorithm, SecretEncoding, SignatureEncoding, SignaturePlace, SignedParts, TimestampPlace } from '../../schema/hmac.js';
import { Secrets, Tolerances } from '../../schema/values.js';
import { keysOf } from './secrets.js';
import { signingSetup } from './shell.js';
import { createVerify } from './signature.js';

const schema = Type.Object(
  {
    secrets: Secrets({ examples: [['${GITHUB_WEBHOOK_SECRET}']] }),
    secretEncoding: SecretEncoding({ default: 'text' }),
    algorithm: Algorithm({ default: 'sha256' }),
    encoding: SignatureEncoding({ default: 'hex' }),
    signature: SignaturePlace,
    timestamp: Type.Optional(TimestampPlace),
    signed: SignedParts({ default: ['body'] }),
    ...Tolerances,
  },
  { additionalProperties: false },
);

export type HmacConfig = Static<typeof schema>;

/** Any signature that is an HMAC of parts of the request. */
export const hmac: VerifierKind<HmacConfig> = {
  type: 'hmac',
  description:
    'Checks an HMAC in a header, over parts of the request that are listed in order: what GitHub, Stripe, Slack, Shopify, Svix and most others send.',
  schema,
  prepare,
  replayMs: ({ timestamp, tolerance, futureTolerance }) => (timestamp === undefined ? null : tolerance + futureTolerance),
  setup: (config, sent) => signingSetup(signingOf(config), config.secretEncoding, sent),
};

function prepare(config: HmacConfig, report: Report): Verify {
  const { secrets, secretEncoding, tolerance, futureTolerance } = config;
  reportUnsigned(config, report);
  return createVerify({ ...signingOf(config), tolerance, futureTolerance }, keysOf(secrets, secretEncoding, ['secrets'], report));
}
