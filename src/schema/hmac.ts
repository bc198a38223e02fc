import { Type } from './typebox.js';
import { HeaderName } from './values.js';

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

/** Where a signature is, or goes. */
export const SignaturePlace = Type.Object(place('X-Hub-Signature-256'), {
  ...closed,
  description: 'where the signature is',
  examples: [{ header: 'X-Hub-Signature-256', prefix: 'sha256=' }],
});

/** Where the time of signing is, or goes. */
export const TimestampPlace = Type.Object(
  { ...place('X-Slack-Request-Timestamp'), unit: Type.Enum(['s', 'ms'], { description: 'of the Unix time', default: 's' }) },
  {
    ...closed,
    description: 'where the time of signing is; without it a captured request stays valid for ever',
    examples: [{ header: 'X-Slack-Request-Timestamp' }],
  },
);

/** What a key of the YAML has beside its type: a default, or an example where it may be left out. */
interface Options<Value> {
  readonly description?: string;
  readonly default?: Value;
  readonly examples?: readonly Value[];
}

/** How secrets are written. */
export const SecretEncoding = (options: Options<string>) =>
  Type.Enum(['text', 'base64', 'hex'], {
    description: 'how the secrets are written; `base64` stands behind `whsec_`, where a secret begins so',
    ...options,
  });

export const Algorithm = (options: Options<string>) => Type.Enum(['sha1', 'sha256', 'sha512'], { description: 'the hash', ...options });

/** How a signature is written. */
export const SignatureEncoding = (options: Options<string>) =>
  Type.Enum(['hex', 'base64'], { description: 'how the signature is written', ...options });

/** What a signature is made over. */
export const SignedParts = (options: Options<readonly unknown[]>) =>
  Type.Array(
    Type.Union([
      Type.Enum(['timestamp', 'body']),
      Type.Object({ text: Type.String({ minLength: 1, description: 'this text', examples: ['.'] }) }, closed),
      Type.Object({ header: HeaderName({ description: 'the value of this header', examples: ['svix-id'] }) }, closed),
    ]),
    {
      description: 'what is signed, in order: `timestamp`, `body`, `{ text: "." }`, `{ header: svix-id }`',
      minItems: 1,
      examples: [['timestamp', { text: '.' }, 'body']],
      ...options,
    },
  );
