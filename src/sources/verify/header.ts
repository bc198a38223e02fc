import { Type, type Static } from '../../schema/typebox.js';
import { reportSecrets } from '../../core/secret.js';
import type { VerifierKind } from '../../core/source.js';
import { HeaderName, Secrets } from '../../schema/values.js';
import { createIndexOf } from './secrets.js';
import { inDoubleQuotes } from './shell.js';

const schema = Type.Object(
  {
    header: HeaderName({ description: 'the header that holds the secret', examples: ['X-Bridge-Token'] }),
    prefix: Type.String({ description: 'what stands before the secret there, in any case', default: '', examples: ['Bearer '] }),
    secrets: Secrets({ examples: [['${BRIDGE_TOKEN}']] }),
  },
  { additionalProperties: false },
);

type HeaderConfig = Static<typeof schema>;

/** A secret in a header: for senders that sign nothing, and can be given a header to send. */
export const header: VerifierKind<HeaderConfig> = {
  type: 'header',
  description:
    'Checks that a header holds one of the secrets, behind its prefix: `header: Authorization` with `prefix: "Bearer "` is a bearer token. It covers neither the body nor the time: only TLS keeps it from being read and used again.',
  schema,

  prepare({ header: name, prefix, secrets }, report) {
    reportSecrets(secrets, ['secrets'], report);
    const at = name.toLowerCase();
    const before = prefix.toLowerCase();
    const indexOf = createIndexOf(secrets.map((secret) => Buffer.from(secret)));
    return ({ headers }) => {
      const value = headers[at];
      if (value === undefined || value === '') return { authentic: false, detail: `there is no ${at}` };
      if (typeof value !== 'string') return { authentic: false, detail: `${at} was sent more than once` };
      if (!value.toLowerCase().startsWith(before)) return { authentic: false, detail: `${at} does not begin with the prefix` };
      // Node gives a header's bytes one a character.
      const secretIndex = indexOf(Buffer.from(value.slice(before.length), 'latin1'));
      return secretIndex === -1 ? { authentic: false, detail: `${at} holds none of the secrets` } : { authentic: true, secretIndex };
    };
  },

  replayMs: () => null,
  setup: ({ header: name, prefix }) => ({
    sender: [`Add the header ${name}: ${prefix}<the secret>`],
    headers: [`${name}: ${inDoubleQuotes(prefix)}\${SECRET}`],
  }),
};
