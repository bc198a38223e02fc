import { describe, expect, it } from 'vitest';
import { createRedact } from '../../src/core/redact.js';
import { secretsOfHeaders, secretsOfUrl } from '../../src/sinks/secrets.js';

describe('T47: an answer that repeats what it was sent shows no secret of it', () => {
  it.each([
    [{ 'X-Api-Key': 'live-abcdefgh12345' }, 'live-abcdefgh12345'],
    [{ 'X-Api-Key': 's3cr3t7' }, 's3cr3t7'],
    [{ authorization: 'Bearer abcdefgh12345' }, 'abcdefgh12345'],
    [{ authorization: 'Token token=abcdefgh12345, nonce=x' }, 'abcdefgh12345'],
    [{ Cookie: 'sid=cookieval; other=x' }, 'cookieval'],
    [{ 'X-Mixed': 'id-{event.id}-secretpart99' }, 'secretpart99'],
    [{ 'X-Key': 'live-abcdefgh12345-{event.source}' }, 'live-abcdefgh12345'],
    [{ 'X-Brace': 'a{{b}}cdefgh12345' }, 'a{b}cdefgh12345'],
  ])('the headers %j', (headers, secret) => {
    expect(createRedact(secretsOfHeaders(headers))(`{"got":"${secret}"}`)).toBe('{"got":"[redacted]"}');
  });

  it.each([
    ['https://h/?sig=AbC123', 'AbC123'],
    ['https://h/?access_token=abcdef', 'abcdef'],
    ['https://h/?x=Zm9vYmFyYmF6', 'Zm9vYmFyYmF6'],
    ['https://h/hook/0123456789abcdefghij', '0123456789abcdefghij'],
    ['https://user:hunter2@h/', 'hunter2'],
  ])('the URL %s', (url, secret) => {
    expect(createRedact(secretsOfUrl(url))(`got ${secret}.`)).toBe('got [redacted].');
  });
});

it('common words stay, or an error could not be read', () => {
  const answer = 'service monitoring of type incident in production expects application/json, not castbridge-prod: authorization failed';
  const secrets = [
    ...secretsOfUrl('https://h/services/webhooks?env=production&service=monitoring&type=incident&format=application/json'),
    ...secretsOfHeaders({
      'X-Environment': 'production',
      'X-User': 'castbridge-prod',
      'X-Kind': 'application/json',
      'X-What': 'failed',
      Authorization: 'Bearer 0123456789abcdef',
    }),
  ];
  expect(createRedact(secrets)(answer)).toBe(answer);
});
