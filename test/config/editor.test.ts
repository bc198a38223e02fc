import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLanguageServer, withoutSchemaLine, type LanguageServer } from './language-server.js';

const SOURCES = 'sources: { castai: { path: /w, verify: { type: none }, format: castai-event } }\n';
const KAFKA = `${SOURCES}sinks:\n  out:\n    type: kafka\n    `;

let editor: LanguageServer;
beforeAll(async () => {
  editor = await startLanguageServer();
});
afterAll(() => editor.stop());

describe('an editor with the YAML language server', () => {
  it.each(
    ['config/bridge.yaml', ...readdirSync('config/examples').map((name) => `config/examples/${name}`)].filter(
      (name) => !name.endsWith('.tests.yaml'),
    ),
  )('has nothing to say of %s', async (file) => {
    expect(await editor.diagnostics(withoutSchemaLine(file))).toEqual([]);
  });

  it('has nothing to say of references in the place of any value', async () => {
    const yaml = `
server: { port: '\${PORT}', bodyLimit: '\${LIMIT:-1MiB}' }
${SOURCES}sinks:
  out:
    type: kafka
    brokers: ['\${BROKER}']
    topic: \${TOPIC}
    compression: \${COMPRESSION:-gzip}
    timeout: \${TIMEOUT}
    concurrency: '\${N}'
    tls: \${TLS}
routes: [{ to: [out], stop: '\${STOP}' }]
`;
    expect(await editor.diagnostics(yaml)).toEqual([]);
  });

  it.each<[string, string, number, RegExp]>([
    ['an unknown key at the top', `${SOURCES}sinks: {}\nroutes: []\nnonsense: 1`, 4, /nonsense is not allowed/],
    ['an unknown type of sink', `${SOURCES}sinks: { a: { type: kafak } }\nroutes: []`, 2, /Valid values: "console", "http", "kafka", "slack"/],
    [
      'an unknown key of its kind',
      `${SOURCES}sinks: { a: { type: slack, webhookUrl: 'https://x', topic: a } }\nroutes: []`,
      2,
      /topic is not allowed/,
    ],
    ['a missing key of its kind', `${SOURCES}sinks: { a: { type: http } }\nroutes: []`, 2, /Missing property "url"/],
    ['an unknown format', `sources: { a: { path: /w, verify: { type: none }, format: castai } }\nsinks: {}\nroutes: []`, 1, /castai-event/],
    ['an unknown verifier', `sources: { a: { path: /w, verify: { type: hmak }, format: castai-event } }\nsinks: {}\nroutes: []`, 1, /Valid values/],
    ['an unknown value', `${SOURCES}sinks: { a: { type: kafka, brokers: ['x:1'], topic: t, value: json } }\nroutes: []`, 2, /"raw", "cloudevents"/],
    ['a number without its unit', `${SOURCES}sinks: { a: { type: console, timeout: 5 } }\nroutes: []`, 2, /Expected "string"/],
    ['an unknown unit', `${SOURCES}sinks: { a: { type: console, timeout: 5min } }\nroutes: []`, 2, /write a number with its unit: 500ms/],
    ['a text for a switch', `${SOURCES}sinks: {}\nroutes:\n  - to: [a]\n    stop: yes`, 5, /Expected "boolean"/],
    ['an unknown key of `match`', `${SOURCES}sinks: {}\nroutes:\n  - match: { typ: a }\n    to: [a]`, 4, /typ is not allowed/],
    ['a section that is missing', `${SOURCES}routes: []`, 1, /Missing property "sinks"/],
  ])('tells of %s, at its line', async (_, yaml, line, message) => {
    const told = await editor.diagnostics(yaml);
    expect(told).toEqual([{ line, column: expect.any(Number) as number, message: expect.stringMatching(message) as string }]);
  });

  it.each<[string, string, readonly string[], readonly string[]]>([
    ['sections', '|', ['server', 'sources', 'sinks', 'routes', 'otherwise', 'tests'], []],
    ['types of sinks', `${SOURCES}sinks:\n  out:\n    type: |`, ['console', 'http', 'kafka', 'slack'], []],
    ['keys of a kafka sink', `${KAFKA}|`, ['brokers', 'topic', 'key', 'sasl', 'retry', 'timeout', 'pace'], ['webhookUrl', 'url']],
    ['values of one of them', `${KAFKA}compression: |`, ['none', 'gzip'], []],
    ['keys of `retry`', `${KAFKA}retry:\n      |`, ['attempts', 'initial', 'max', 'maxAge'], []],
    ['keys of a source', 'sources:\n  castai:\n    |', ['path', 'verify', 'format', 'dedup'], []],
    ['types of verifiers', 'sources:\n  castai:\n    verify:\n      type: |', ['castai', 'none'], []],
    ['keys of a verifier', 'sources:\n  castai:\n    verify:\n      type: castai\n      |', ['secrets', 'tolerance'], []],
    ['keys of a row', 'routes:\n  - |', ['name', 'match', 'where', 'to', 'stop'], []],
    ['keys of `match`', 'routes:\n  - match:\n      |', ['source', 'type', 'severity', 'name', 'cluster'], []],
    ['switches', 'routes:\n  - stop: |', ['true', 'false'], []],
    ['keys of a test', 'tests:\n  - |', ['name', 'given', 'expect'], []],
  ])('offers the %s', async (_, yaml, offered, others) => {
    const labels = await editor.completions(yaml);
    expect(labels).toEqual(expect.arrayContaining([...offered]));
    expect(labels.filter((label) => others.includes(label))).toEqual([]);
  });

  it('shows what a key is', async () => {
    expect(await editor.hover(`${KAFKA}topi|c: castai`)).toContain('may hold CEL in braces');
    expect(await editor.hover('dedup:\n  win|dow: 7d')).toContain('how long an id is remembered');
  });
});
