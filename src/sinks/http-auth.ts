import type { Report } from '../core/problem.js';
import type { Config } from './http-config.js';

/** What each type needs, and has no other of. */
const KEYS = { bearer: ['token'], basic: ['username', 'password'] } as const;

/** Reports what a schema cannot see. `configured`: names of configured headers, in lower case. */
export function reportAuth({ auth, url }: Config, configured: readonly string[], report: Report): void {
  if (auth === undefined) return;
  const wanted: readonly string[] = KEYS[auth.type];
  const isMixed = (['token', 'username', 'password'] as const).some((key) => !wanted.includes(key) && auth[key] !== undefined);
  for (const key of ['token', 'username', 'password'] as const) {
    if (!isMixed && wanted.includes(key) && auth[key] === undefined)
      report({ path: ['auth'], what: `"${key}" is missing`, remedy: `add it: \`type: ${auth.type}\` has ${wanted.join(' and ')}` });
    if (!wanted.includes(key) && auth[key] !== undefined)
      report({ path: ['auth', key], atKey: true, what: `\`type: ${auth.type}\` has no "${key}"`, remedy: `it has ${wanted.join(' and ')}` });
  }
  if (auth.username?.includes(':') === true)
    report({
      path: ['auth', 'username'],
      what: 'a user with ":" cannot be sent',
      remedy: 'what stands behind it is taken for the password: use another',
    });
  if (/[^\x20-\x7e]/.test(auth.token ?? ''))
    report({ path: ['auth', 'token'], what: 'the token holds a character that headers cannot carry', remedy: 'copy it whole, in one line' });
  if (configured.includes('authorization'))
    report({ path: ['auth'], what: '`headers` sets "authorization" too', remedy: 'delete one of them', from: [['headers']] });
  if (/^https?:\/\/[^/?#]*@/.test(url)) report({ path: ['auth'], what: 'the URL has a user too', remedy: 'delete one of them', from: [['url']] });
}
