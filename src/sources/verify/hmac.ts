import { Type, type Static } from 'typebox';
import type { Report } from '../../core/problem.js';
import type { VerifierKind, Verify } from '../../core/source.js';
import { HeaderName, Secrets, Tolerances } from '../../schema/values.js';
import { keysOf } from './secrets.js';
import { signingSetup } from './shell.js';
import { createVerify, type Part, type Place, type Scheme } from './signature.js';

const closed = { additionalProperties: false } as const;

const place = (example: string) => ({
  header: HeaderName({ description: 'the header', examples: [example] }),
  prefix: Type.String({ description: 'what stands before it there', default: '', examples: ['sha256='] }),
  separator: Type.Optional(
    Type.String({
      description: 'what stands between the parts of the header, where there are several; those with the prefix count',
      minLength: 1,
      examples: [','],
    }),
  ),
});

const schema = Type.Object(
  {
    secrets: Secrets({ examples: [['${GITHUB_WEBHOOK_SECRET}']] }),
    secretEncoding: Type.Enum(['text', 'base64', 'hex'], {
      description: 'how the secrets are written; `base64` stands behind `whsec_`, where a secret begins so',
      default: 'text',
    }),
    algorithm: Type.Enum(['sha1', 'sha256', 'sha512'], { description: 'the hash', default: 'sha256' }),
    encoding: Type.Enum(['hex', 'base64'], { description: 'how the signature is written', default: 'hex' }),
    signature: Type.Object(place('X-Hub-Signature-256'), {
      ...closed,
      description: 'where the signature is',
      examples: [{ header: 'X-Hub-Signature-256', prefix: 'sha256=' }],
    }),
    timestamp: Type.Optional(
      Type.Object(
        { ...place('X-Slack-Request-Timestamp'), unit: Type.Enum(['s', 'ms'], { description: 'of the Unix time', default: 's' }) },
        {
          ...closed,
          description: 'where the time of signing is; without it a captured request stays valid for ever',
          examples: [{ header: 'X-Slack-Request-Timestamp' }],
        },
      ),
    ),
    signed: Type.Array(
      Type.Union([
        Type.Enum(['timestamp', 'body']),
        Type.Object({ text: Type.String({ minLength: 1, description: 'this text', examples: ['.'] }) }, closed),
        Type.Object({ header: HeaderName({ description: 'the value of this header', examples: ['svix-id'] }) }, closed),
      ]),
      {
        description: 'what is signed, in order: `timestamp`, `body`, `{ text: "." }`, `{ header: svix-id }`',
        minItems: 1,
        default: ['body'],
        examples: [['timestamp', { text: '.' }, 'body']],
      },
    ),
    ...Tolerances,
  },
  closed,
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
  setup: (config, sent) => signingSetup(schemeOf(config), config.secretEncoding, sent),
};

function prepare(config: HmacConfig, report: Report): Verify {
  const { secrets, secretEncoding, timestamp, signed } = config;
  reportUnsigned(signed, timestamp !== undefined, report);
  return createVerify(schemeOf(config), keysOf(secrets, secretEncoding, ['secrets'], report));
}

function schemeOf({ algorithm, encoding, signature, timestamp, signed, tolerance, futureTolerance }: HmacConfig): Scheme {
  return {
    ...{ algorithm, encoding, tolerance, futureTolerance },
    signature: placeOf(signature),
    timestamp: timestamp === undefined ? null : { ...placeOf(timestamp), unitMs: timestamp.unit === 's' ? 1_000 : 1 },
    signed: signed.map(partOf),
  };
}

/** What is not signed, anybody may change. */
function reportUnsigned(signed: HmacConfig['signed'], hasTimestamp: boolean, report: Report): void {
  if (!signed.includes('body')) report({ path: ['signed'], what: 'the body is not signed: anybody may change it', remedy: 'add `body`' });
  if (hasTimestamp && !signed.includes('timestamp'))
    report({
      path: ['timestamp'],
      what: 'the timestamp is not signed: anybody may renew it',
      remedy: 'add `timestamp` to `signed`, or delete it here',
    });
  if (!hasTimestamp && signed.includes('timestamp'))
    report({ path: ['signed'], what: 'a timestamp is signed, and nothing says where it is', remedy: 'add `timestamp: { header: … }`' });
}

function placeOf({ header, prefix, separator }: HmacConfig['signature']): Place {
  return { header: header.toLowerCase(), prefix, separator: separator ?? null };
}

function partOf(part: HmacConfig['signed'][number]): Part {
  if (part === 'timestamp' || part === 'body') return part;
  // One byte a character, as a header is.
  return 'text' in part ? { text: Buffer.from(part.text).toString('latin1') } : { header: part.header.toLowerCase() };
}
