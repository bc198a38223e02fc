import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';
import { startLanguageServer, type LanguageServer } from './language-server.js';

const BAD = new URL('./bad/', import.meta.url).pathname;

/** What a schema cannot say, so that `check` alone tells of it: each is a word of the file's name. */
const BEYOND_A_SCHEMA: readonly [string, RegExp][] = [
  ['CEL and Liquid', /condition|regular-expression|filter|in-text|severities-in-order|brace-never-closed|windows-line-ends|word-of-liquid/],
  [
    'names of other parts',
    /sink-that-does|source-that-does|row-for-a-source-that|glob-that-no|otherwise-to-nobody|two-rows-of|two-sources-on|name-that-an-unnamed|row-named-otherwise/,
  ],
  ['what references come to', /^reference-|^variable-|file-that-does-not-exist/],
  [
    'values beside others',
    /(hmac|signing)-that-proves-nothing|signing-with-keys|credentials-of-two|status-in-both|tls-without|test-of-a-day|test-that-expects-nothing-in-parts|first-back-off|window-shorter|dedup-key-that-is-no-condition|same-port-twice|operations-without-token/,
  ],
  ['bounds of times and sizes', /body-limit-beyond|out-of-bounds-in-(server|sink)/],
  [
    'what a host, a URL, a header or a secret is',
    /^host-|range-of-addresses|comma-in-a-secret|url-without|webhook-without|headers-that-belong|header-with-a-line-end|slack-sink-that|placeholder-secret|short-operations-token/,
  ],
  ['the file as a whole', /alias-inside-itself|second-document|nothing-but-comments|levels-too-many|yaml-1-1|yaml-set|numbers-that-read-otherwise/],
];

let editor: LanguageServer;
beforeAll(async () => {
  editor = await startLanguageServer();
});
afterAll(() => editor.stop());

describe('an editor and `check`', () => {
  it.each(readdirSync(BAD))('agree on %s, as far as a schema can say it', async (name) => {
    const accepted = loadConfig(`${BAD}${name}`, {}, kinds).ok;
    const told = await editor.diagnostics(readFileSync(`${BAD}${name}`, 'utf8'));
    if (accepted) expect(told).toEqual([]);
    else if (!BEYOND_A_SCHEMA.some(([, names]) => names.test(name))) expect(told).not.toEqual([]);
  });
});
