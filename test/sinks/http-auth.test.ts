import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { configured, sent } from './sent.js';

const TOKEN = 'tokenOfInventory1aZ9+/=';
const PASSWORD = 'pässwort:of 1aZ9';

describe('auth', () => {
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
  });
  afterAll(() => receiver.goAway());

  it('sends a bearer token', async () => {
    await sent({ type: 'http', url: receiver.url, auth: { type: 'bearer', token: TOKEN } });
    expect(receiver.received.at(-1)?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
  });

  it('sends a user and a password, in UTF-8', async () => {
    await sent({ type: 'http', url: receiver.url, auth: { type: 'basic', username: 'üser', password: PASSWORD } });
    expect(receiver.received.at(-1)?.headers['authorization']).toBe(`Basic ${Buffer.from(`üser:${PASSWORD}`).toString('base64')}`);
  });

  it.each([
    [{ type: 'bearer', token: TOKEN }, TOKEN],
    [{ type: 'basic', username: 'user', password: PASSWORD }, PASSWORD],
    [{ type: 'basic', username: 'user', password: PASSWORD }, Buffer.from(`user:${PASSWORD}`).toString('base64')],
  ])('T47: is hidden where it comes back: %j', async (auth, secret) => {
    const { redact } = configured({ type: 'http', url: receiver.url, auth });
    receiver.script('echo');
    const outcome = await sent({ type: 'http', url: receiver.url, auth });
    expect(redact(`${outcome?.answer ?? ''} ${secret}`)).toContain('[redacted]');
    expect(redact(`${outcome?.answer ?? ''} ${secret}`)).not.toContain(secret);
  });

  it.each<[object, string, object?]>([
    [{ type: 'bearer' }, 'sinks.out.auth: "token" is missing'],
    [{ type: 'basic', username: 'u' }, 'sinks.out.auth: "password" is missing'],
    [{ type: 'basic', password: 'p' }, 'sinks.out.auth: "username" is missing'],
    [{ type: 'bearer', token: TOKEN, password: 'p' }, 'sinks.out.auth.password: `type: bearer` has no "password"'],
    [{ type: 'basic', username: 'u', password: 'p', token: TOKEN }, 'sinks.out.auth.token: `type: basic` has no "token"'],
    [{ type: 'basic', username: 'a:b', password: 'p' }, 'sinks.out.auth.username: a user with ":" cannot be sent'],
    [{ type: 'bearer', token: 'tökén-1234567890' }, 'sinks.out.auth.token: the token holds a character that headers cannot carry'],
    [{ type: 'digest', token: TOKEN }, 'sinks.out.auth.type'],
    [{ type: 'bearer', token: TOKEN }, '`headers` sets "authorization" too', { headers: { Authorization: 'x' } }],
    [{ type: 'bearer', token: TOKEN }, 'the URL has a user too', { url: 'https://u:p@host.example/' }],
  ])('%j is a mistake', (auth, told, parts = {}) => {
    expect(() => configured({ type: 'http', url: 'https://host.example/', auth, ...parts })).toThrow(told);
  });
});
