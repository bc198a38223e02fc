import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.js';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';
import { directory } from '../stores/sqlite-rig.js';
import { CANARIES, canariesIn } from './canary.js';

const GOOD = `operations: { token: '${CANARIES.token}' }
sources:
  castai:
    path: /w
    verify: { type: castai, secrets: ['${CANARIES.webhook}'] }
    format: castai-event
  audit: { type: castai-audit-poll, apiKey: '${CANARIES.api}' }
sinks:
  ops: { type: slack, webhookUrl: 'https://hooks.slack.example/services/${CANARIES.slack}' }
  web:
    type: http
    url: 'https://${CANARIES.user}:${CANARIES.password}@host.example/x?token=${CANARIES.query}'
    headers: { Authorization: 'Bearer ${CANARIES.header}' }
  log:
    type: kafka
    brokers: ['k:1']
    topic: t
    tls: { key: '${CANARIES.key}' }
    sasl: { mechanism: plain, username: u, password: '${CANARIES.sasl}' }
  signed:
    type: http
    url: 'https://host.example/y'
    auth: { type: bearer, token: '${CANARIES.bearer}' }
    sign: { type: hmac, signature: { header: X-Signature }, secrets: ['${CANARIES.signing}'] }
    proxy: 'http://bridge:${CANARIES.proxy}@proxy.example:3128'
routes: [{ to: [ops, web, log, signed] }]
`;

/** The same with every secret from the environment, and with one as a default. */
const REFERRING = Object.entries(CANARIES).reduce((yaml, [name, secret]) => yaml.replace(secret, `\${${name.toUpperCase()}}`), GOOD);
const DEFAULTED = Object.entries(CANARIES).reduce((yaml, [name, secret]) => yaml.replace(secret, `\${NOT_SET_${name}:-${secret}}`), GOOD);
const ENV = Object.fromEntries(Object.entries(CANARIES).map(([name, secret]) => [name.toUpperCase(), secret]));

/** Every mistake that can be made beside a secret, or with it. */
const MISTAKES: readonly [string, (yaml: string) => string][] = [
  ['none', (yaml) => yaml],
  ['a text where a list of secrets is wanted', (yaml) => yaml.replace(/secrets: \[(.*)\]/, 'secrets: $1')],
  ['a list where a secret is wanted', (yaml) => yaml.replace(/token: ('.*?')/, 'token: [$1]')],
  ['a mapping where a secret is wanted', (yaml) => yaml.replace(/password: ('.*?')/, 'password: { a: $1 }')],
  ['a list for the URL of the webhook', (yaml) => yaml.replace(/webhookUrl: ('.*?')/, 'webhookUrl: [$1]')],
  ['a list for a URL', (yaml) => yaml.replace(/ url: ('.*?')/, ' url: [$1]')],
  ['a URL that is none', (yaml) => yaml.replaceAll('https://', 'nothing ')],
  ['a webhook that is no https', (yaml) => yaml.replaceAll('https://', 'ftp://')],
  ['a misspelt key of a secret', (yaml) => yaml.replace('password:', 'pasword:').replace('webhookUrl:', 'webhokUrl:').replace('secrets:', 'secret:')],
  ['an unknown key with a secret', (yaml) => yaml.replace('type: slack,', `type: slack, nonsense: '${CANARIES.slack}',`)],
  ['a key twice', (yaml) => yaml.replace(/(token: '.*?')/, '$1, $1')],
  ['a text that is never closed', (yaml) => yaml.replace(/(password: '[^']*)'/, '$1')],
  ['a bracket that is never closed', (yaml) => yaml.replace(/(secrets: \['.*?')\]/, '$1')],
  ['a tag', (yaml) => yaml.replace(/password: /, 'password: !vault ')],
  ['a text that begins as a tag does', (yaml) => unquoted(yaml, '!$1')],
  ['a text that begins as a tag of YAML does', (yaml) => unquoted(yaml, '!!$1')],
  ['a text that begins as an anchor does', (yaml) => unquoted(yaml, '&$1')],
  ['a text that begins as an anchor does, with a space', (yaml) => unquoted(yaml, '& $1')],
  ['anchors with one name', (yaml) => unquoted(yaml, '&$1 x').replace('topic: t', `topic: &${CANARIES.sasl} t`)],
  ['a text that begins as an alias does', (yaml) => unquoted(yaml, '*$1')],
  ['an alias inside what it stands for', (yaml) => yaml.replace(/\{ (mechanism.*)'(.*)' \}/, `&$2 { $1*$2 }`)],
  ['a text that begins as one of several lines does', (yaml) => outside(yaml, '|$1')],
  ['the same, folded', (yaml) => outside(yaml, '>$1')],
  ['the same, with a space', (yaml) => outside(yaml, '| $1')],
  ['something behind quotes', (yaml) => outside(yaml, `'a'$1`)],
  ['a comment behind quotes', (yaml) => outside(yaml, `'a'#$1`)],
  ['a comma in a text without quotes', (yaml) => unquoted(yaml, 'a,$1')],
  ['commas in a text without quotes', (yaml) => unquoted(yaml, 'a,b,$1')],
  ['a comma and a colon in a text without quotes', (yaml) => unquoted(yaml, 'a,$1: b')],
  ['a comma in a header without quotes', (yaml) => yaml.replace(/Authorization: '(.*?)'/, 'Authorization: a,$1')],
  ['an alias without an anchor', (yaml) => yaml.replace(/token: '(.*?)'/, 'token: *$1')],
  ['a tab', (yaml) => yaml.replace('    headers:', '\theaders:')],
  ['a secret as a type', (yaml) => yaml.replace(/type: slack, webhookUrl: ('.*?')/, 'type: $1')],
  ['a secret for a time', (yaml) => yaml.replace(/headers: \{ Authorization: ('.*?') \}/, 'timeout: $1')],
  ['a secret for a number', (yaml) => yaml.replace(/headers: \{ Authorization: ('.*?') \}/, 'concurrency: $1')],
  ['a secret for a choice', (yaml) => yaml.replace(/mechanism: plain, username: u, password: ('.*?')/, 'mechanism: $1')],
  ['a secret for a mapping', (yaml) => yaml.replace(/headers: \{ Authorization: ('.*?') \}/, 'headers: $1')],
  ['a secret for a sink', (yaml) => yaml.replace(/ops: \{.*webhookUrl: ('.*?') \}/, 'ops: $1')],
  ['braces in a secret', (yaml) => yaml.replace('Bearer ', 'Bearer {').replace('host.example/x', 'host.example/{x')],
  ['a header that cannot be', (yaml) => yaml.replace('Authorization:', "'bad name':")],
  ['a misspelt key of an API', (yaml) => yaml.replace('apiKey:', 'apikey:')],
  ['a list for the key of an API', (yaml) => yaml.replace(/apiKey: ('.*?')/, 'apiKey: [$1]')],
  ['a secret for a source', (yaml) => yaml.replace(/audit: \{.*apiKey: ('.*?') \}/, 'audit: $1')],
  ['a secret as the type of a source', (yaml) => yaml.replace(/type: castai-audit-poll, apiKey: ('.*?')/, 'type: $1')],
  ['a secret as a format', (yaml) => yaml.replace(/secrets: \[('.*?')\] \}\n {4}format: castai-event/, 'secrets: [$1] }\n    format: $1')],
  [
    'a secret as the type of a format',
    (yaml) => yaml.replace(/secrets: \[('.*?')\] \}\n {4}format: castai-event/, 'secrets: [$1] }\n    format: { type: $1 }'),
  ],
  ['a secret for a date', (yaml) => yaml.replace(/apiKey: ('.*?')/, 'apiKey: $1, from: $1')],
  ['a secret for the URL of an API', (yaml) => yaml.replace(/apiKey: ('.*?')/, 'apiKey: $1, url: $1')],
  ['a bearer token for a type', (yaml) => yaml.replace(/type: bearer, token: ('.*?')/, 'type: $1')],
  ['a bearer token under the key of a password', (yaml) => yaml.replace('bearer, token:', 'bearer, password:')],
  ['a bearer token for all of `auth`', (yaml) => yaml.replace(/auth: \{.*?('.*?') \}/, 'auth: $1')],
  ['a bearer token with a line end', (yaml) => yaml.replace(/bearer, token: '(.*?)'/, 'bearer, token: "$1é\\n"')],
  ['a signing secret that is no list', (yaml) => yaml.replace(/\}, secrets: \[(.*?)\]/, '}, secrets: $1')],
  ['a signing secret for a header', (yaml) => yaml.replace(/header: X-Signature \}, secrets: \[('.*?')\]/, "header: $1 }, secrets: ['x']")],
  ['a signing secret for a hash', (yaml) => yaml.replace(/type: hmac, (.*)('.*?')\]/, 'type: hmac, $1$2], algorithm: $2')],
  ['a signing secret that is no base64', (yaml) => yaml.replace('type: hmac,', 'type: standard-webhooks,')],
  ['a proxy that is none', (yaml) => yaml.replace("proxy: 'http:", "proxy: 'socks5:")],
  ['a list for a proxy', (yaml) => yaml.replace(/proxy: ('.*?')/, 'proxy: [$1]')],
  ['a proxy at an address that is not connected to', (yaml) => yaml.replace('proxy.example', '169.254.0.1')],
  ['a secret for a proxy', (yaml) => yaml.replace(/token: ('.*?') \}\n/, 'token: $1 }\n    proxy: $1\n').replace(/ {4}proxy: 'http.*\n/, '')],
  ['a secret for an address', (yaml) => yaml.replace(/token: ('.*?') \}\n/, 'token: $1 }\n    allow: [$1]\n')],
  ['a secret for a method', (yaml) => yaml.replace(/token: ('.*?') \}\n/, 'token: $1 }\n    method: $1\n')],
  ['a secret for a body', (yaml) => yaml.replace(/token: ('.*?') \}\n/, 'token: $1 }\n    body: $1\n')],
  ['a secret in a template', (yaml) => yaml.replace(/token: '(.*?)' \}\n/, "token: '$1' }\n    body: { a: '{{ event.$1 }}' }\n")],
  ['a secret for a certificate', (yaml) => yaml.replace(/token: ('.*?') \}\n/, 'token: $1 }\n    tls: { ca: $1, cert: $1, key: $1 }\n')],
  ['an environment variable that is not set', (yaml) => yaml.replace('path: /w', 'path: ${NO_SUCH_VARIABLE}')],
];

/** The password of the Kafka sink, without its quotes. */
function unquoted(yaml: string, text: string): string {
  return yaml.replace(/password: '([^']*)' \}/, `password: ${text} }`);
}

/** The same, in a line of its own. */
function outside(yaml: string, text: string): string {
  return yaml.replace(/sasl: \{.*'(.*)' \}/, `sasl:\n      mechanism: plain\n      username: u\n      password: ${text}`);
}

/** In texts that are taken apart, a mistake is told by a word of them: no such word may be a part of the secret. */
it.each([
  ['a condition', "routes: [{ where: 'event.${SECRET} ==', to: [ops] }]"],
  ['a function in a condition', "routes: [{ where: '${SECRET}(event.type)', to: [ops] }]"],
  ['a comparison', "routes: [{ where: 'event.severity > ${SECRET}', to: [ops] }]"],
  ['a word of a condition', "routes: [{ where: 'event.pre${SECRET} == 1', to: [ops] }]"],
  [
    'a template',
    "sinks: { ops: { type: slack, webhookUrl: 'https://hooks.slack.example/s', text: '{{ event.${SECRET} }}' } }\nroutes: [{ to: [ops] }]",
  ],
  [
    'a filter',
    "sinks: { ops: { type: slack, webhookUrl: 'https://hooks.slack.example/s', text: '{{ event.type | ${SECRET} }}' } }\nroutes: [{ to: [ops] }]",
  ],
])('T47: no word of a secret that is filled into %s', (_, text) => {
  const sinks = text.includes('sinks:') ? '' : 'sinks: { ops: { type: console } }\n';
  const yaml = `sources: { open: { path: /w, verify: { type: none }, format: castai-event } }\n${sinks}${text}`;
  for (const secret of ['canary-9f8e7d6c5b4a3210', 'k9f8e7d6_5b4a3210', 'Zq9f8e.7d6c5b.4a3210', '9f8e7d6c 5b4a3210']) {
    const loaded = parseConfig(yaml, 'bridge.yaml', { SECRET: secret }, kinds);
    const told = loaded.ok ? '' : loaded.problems.map(lineOf).join('\n');
    expect(told).not.toBe('');
    for (let at = 0; at + 4 <= secret.length; at++) expect(told).not.toContain(secret.slice(at, at + 4));
  }
});

describe('T47: what is told of a mistake holds no secret', () => {
  const forms = { 'in the file': GOOD, 'by reference': REFERRING, 'by default': DEFAULTED };
  const rows = Object.entries(forms).flatMap(([where, yaml]) => MISTAKES.map(([what, change]) => [what, where, change(yaml)] as const));

  it.each(rows)('%s, secrets %s', async (what, _where, yaml) => {
    const file = join(directory(), 'bridge.yaml');
    writeFileSync(file, yaml);
    for (const format of ['text', 'json', 'github'] as const) {
      const told: string[] = [];
      const say = (line: string): void => void told.push(line);
      const progress = { show: () => undefined, end: () => undefined };
      const code = await check({ config: file, env: ENV, json: false, out: say, err: say, progress }, [], { format });
      expect([what, canariesIn(told.join('\n')), canariesIn(told.join('\n')).length > 0 ? told : []]).toEqual([what, [], []]);
      expect(code).toBe(what === 'none' ? 0 : 1);
    }
  });
});
