import { Type, type Static } from '../../schema/typebox.js';
import { reportSecrets } from '../../core/secret.js';
import type { VerifierKind } from '../../core/source.js';
import { Secrets } from '../../schema/values.js';
import { createIndexOf } from './secrets.js';
import { basicInShell } from './shell.js';

const schema = Type.Object(
  {
    username: Type.String({ description: 'the user’s name, without a colon', minLength: 1, pattern: '^[^:]*$', examples: ['castai'] }),
    passwords: Secrets({ examples: [['${WEBHOOK_PASSWORD}']] }),
  },
  { additionalProperties: false },
);

type BasicConfig = Static<typeof schema>;

const CREDENTIALS = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/** A name and a password by RFC 7617. */
export const basic: VerifierKind<BasicConfig> = {
  type: 'basic',
  description:
    'Checks the name and the password of `Authorization: Basic …`. It covers neither the body nor the time: only TLS keeps it from being read and used again.',
  schema,

  prepare({ username, passwords }, report) {
    reportSecrets(passwords, ['passwords'], report);
    const indexOf = createIndexOf(passwords.map((password) => Buffer.from(`${username}:${password}`)));
    return ({ headers }) => {
      const value = headers['authorization'];
      if (value === undefined || value === '') return { authentic: false, detail: 'there is no authorization' };
      const encoded = typeof value === 'string' ? CREDENTIALS.exec(value)?.[1] : undefined;
      if (encoded === undefined) return { authentic: false, detail: 'authorization is not "Basic" and base64, once' };
      const secretIndex = indexOf(Buffer.from(encoded, 'base64'));
      return secretIndex === -1
        ? { authentic: false, detail: 'neither this name and password, nor any other pair of them, is right' }
        : { authentic: true, secretIndex };
    };
  },

  replayMs: () => null,
  setup: ({ username }) => ({
    sender: [
      `Give it the user ${username} and the secret for a password,`,
      `or the header Authorization: Basic <the base64 of "${username}:" and the secret>`,
    ],
    headers: [`Authorization: Basic ${basicInShell(username)}`],
  }),
};
