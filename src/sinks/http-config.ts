import { Type, type Static } from '../schema/typebox.js';
import { Algorithm, SecretEncoding, SignatureEncoding, SignaturePlace, SignedParts, TimestampPlace } from '../schema/hmac.js';
import { Secret, Secrets, TlsFiles } from '../schema/values.js';

const closed = { additionalProperties: false } as const;

export const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What can be sent without a structure of one's own. */
export const BODIES = ['raw', 'cloudevents', 'cloudevents-binary'] as const;

// What is no final answer (1xx) never gets that far.
const Statuses = (description: string, examples: (number | string)[][]) =>
  Type.Array(Type.Union([Type.Integer({ minimum: 200, maximum: 599 }), Type.String({ pattern: '^[2-5](\\d\\d|xx)$' })]), {
    description,
    default: [],
    examples,
  });

/** One mapping for both types: what only `hmac` has is checked beside the schema. */
const Sign = Type.Object(
  {
    type: Type.Enum(['standard-webhooks', 'hmac'], {
      description:
        '`standard-webhooks`: `webhook-id` (the delivery id), `webhook-timestamp` and `webhook-signature` after Standard Webhooks, one `v1,` signature a secret; `hmac`: as the keys below say, which are those of the verifier `hmac`',
      examples: ['standard-webhooks'],
    }),
    secrets: Secrets({
      examples: [['${RECEIVER_SECRET}']],
      description: 'a secret that the receiver knows; for `standard-webhooks` base64, `whsec_` before it or not',
      rotation: 'every secret the receiver may verify with; to rotate: add the new one, change the receiver, remove the old one',
    }),
    secretEncoding: Type.Optional(
      SecretEncoding({ description: 'of `hmac`: how the secrets are written; `text` where it is not said', examples: ['hex'] }),
    ),
    algorithm: Type.Optional(Algorithm({ description: 'of `hmac`: the hash; `sha256` where it is not said', examples: ['sha512'] })),
    encoding: Type.Optional(
      SignatureEncoding({ description: 'of `hmac`: how the signature is written; `hex` where it is not said', examples: ['base64'] }),
    ),
    signature: Type.Optional(SignaturePlace),
    timestamp: Type.Optional(TimestampPlace),
    signed: Type.Optional(
      SignedParts({
        description:
          'of `hmac`: what is signed, in order: `timestamp`, `body`, `{ text: "." }`, `{ header: svix-id }`; the body alone where it is not said',
      }),
    ),
  },
  {
    ...closed,
    description: 'how each attempt is signed, at the moment it is sent, over the bytes that are sent',
    examples: [{ type: 'standard-webhooks', secrets: ['${RECEIVER_SECRET}'] }],
  },
);

const Auth = Type.Object(
  {
    type: Type.Enum(['bearer', 'basic'], { description: 'a token, or a user and a password', examples: ['bearer'] }),
    token: Type.Optional(Secret({ description: 'the token, of `bearer`', examples: ['${INVENTORY_TOKEN}'] })),
    username: Type.Optional(Type.String({ description: 'the user, of `basic`', examples: ['castbridge'] })),
    password: Type.Optional(Secret({ description: 'the password, of `basic`', examples: ['${INVENTORY_PASSWORD}'] })),
  },
  { ...closed, description: 'the `authorization` header', examples: [{ type: 'bearer', token: '${INVENTORY_TOKEN}' }] },
);

export const Config = Type.Object(
  {
    url: Type.String({
      description: 'where to send it; path and query may hold CEL in braces, `/hooks/{event.source}`',
      minLength: 1,
      examples: ['https://inventory.example/hooks/castai'],
    }),
    method: Type.String({
      description:
        'the method: POST, PUT, PATCH or DELETE; or a text with CEL in braces that comes out as one of them, and otherwise makes a dead letter',
      pattern: '^(POST|PUT|PATCH|DELETE)$|\\{',
      default: 'POST',
      examples: ['PUT', '{event.type == "node.removed" ? "DELETE" : "PUT"}'],
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'further headers; values may hold CEL in braces',
      default: {},
      examples: [{ 'X-Team': 'platform' }],
    }),
    body: Type.Union([Type.Enum([...BODIES]), Type.Record(Type.String(), Type.Unknown()), Type.Array(Type.Unknown())], {
      description:
        '`raw`: the received bytes; `cloudevents`: a CloudEvents 1.0 JSON around them; `cloudevents-binary`: the same bytes, its attributes in headers; or a mapping or a list: JSON, every text in it a Liquid template',
      default: 'raw',
      examples: ['cloudevents', { title: '{{ event.name }}', nodes: '{{ event.data.nodes }}' }],
    }),
    auth: Type.Optional(Auth),
    sign: Type.Optional(Sign),
    tls: Type.Optional(
      Type.Object(TlsFiles, {
        ...closed,
        description: 'PEM texts `ca`, `cert`, `key` (`${file:PATH}`); certificates are always verified',
        examples: [{ ca: '${file:./certificates/ca.pem}' }],
      }),
    ),
    proxy: Type.String({
      description: '`environment`: HTTPS_PROXY or HTTP_PROXY, but for what NO_PROXY names and for loopback; `none`; or the URL of a proxy',
      pattern: '^(environment|none)$|^https?://',
      default: 'environment',
      examples: ['http://proxy.example:3128'],
    }),
    allow: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'addresses and ranges that may be connected to, and no others; without it, all but link-local addresses and those of cloud metadata. Checked at every connection',
        minItems: 1,
        examples: [['10.0.0.0/8', '203.0.113.7']],
      }),
    ),
    deny: Type.Array(Type.String(), {
      description: 'addresses and ranges that are not connected to, whatever `allow` says',
      default: [],
      examples: [['10.0.0.0/8']],
    }),
    retryOn: Statuses('statuses (`404`) or classes (`4xx`) that are tried again, whatever the table says; a status goes before its class', [[404]]),
    rejectOn: Statuses('statuses or classes that make a dead letter at once, whatever the table says; a status goes before its class', [
      [403, '3xx'],
    ]),
  },
  closed,
);
export type Config = Static<typeof Config>;
