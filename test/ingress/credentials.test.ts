import { expect, it } from 'vitest';
import { basic } from '../../src/sources/verify/basic.js';
import { header } from '../../src/sources/verify/header.js';
import { ask, envelope, source, SECRETS, startIngress } from './harness.js';

const fail = (): never => {
  throw new Error('the configuration has a problem');
};
const [secret = '', next = ''] = SECRETS;

const BEARER = source({ verify: header.prepare({ header: 'Authorization', prefix: 'Bearer ', secrets: SECRETS }, fail) });
const TOKEN = source({ verify: header.prepare({ header: 'X-Token', prefix: '', secrets: SECRETS }, fail) });
const BASIC = source({ verify: basic.prepare({ username: 'castai', passwords: SECRETS }, fail) });
const userPass = (password: string) => `Basic ${Buffer.from(`castai:${password}`).toString('base64')}`;

it.each([
  ['a bearer token', BEARER, 'authorization', `Bearer ${secret}`, `Bearer ${next}`],
  ['a secret in a header', TOKEN, 'x-token', secret, next],
  ['a name and a password', BASIC, 'authorization', userPass(secret), userPass(next)],
])('%s: the right one is answered 200 and counted, none, a wrong one and one sent twice 401', async (_, one, name, value, rotated) => {
  const { port, facts, store } = await startIngress({ sources: [one] });
  const posted = async (headers: Record<string, string | string[]>, id: string) => (await ask(port, envelope(id), { headers })).status;
  expect([await posted({ [name]: value }, '1'), await posted({ [name]: rotated }, '2')]).toEqual([200, 200]);
  expect(facts.filter(({ kind }) => kind === 'secretUsed')).toMatchObject([{ secretIndex: 0 }, { secretIndex: 1 }]);
  expect([
    await posted({}, '3'),
    await posted({ [name]: value.slice(0, -1) }, '3'),
    await posted({ [name]: [value, value] }, '3'),
    await posted({ [name]: [value, rotated] }, '3'),
  ]).toEqual([401, 401, 401, 401]);
  expect(store.stored).toHaveLength(2);
});
