import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

const BAD = new URL('./bad/', import.meta.url).pathname;
const SECRET = '0123456789abcdef0123456789abcdef';

function load(text: string, env: Record<string, string> = {}) {
  return parseConfig(text, 'bridge.yaml', { SECRET, ...env }, kinds);
}

function ok(text: string, env: Record<string, string> = {}) {
  const loaded = load(text, env);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  return loaded;
}

/** A configuration that is right, with parts of it replaced. */
function yaml(parts: Partial<Record<'head' | 'verify' | 'sinks' | 'routes', string>> = {}): string {
  return [
    parts.head ?? '',
    'sources:',
    '  castai:',
    '    path: /webhooks/castai',
    `    verify: ${parts.verify ?? '{ type: castai, secrets: ["${SECRET}"] }'}`,
    '    format: castai-event',
    `sinks: ${parts.sinks ?? '{ out: { type: console } }'}`,
    `routes: ${parts.routes ?? '[{ to: [out] }]'}`,
  ].join('\n');
}

describe('T06, T07: each mistake is one line with place, what and remedy', () => {
  it.each(readdirSync(BAD))('%s', (name) => {
    const loaded = loadConfig(`${BAD}${name}`, {}, kinds);
    const expected = headerOf(name, 'expect');
    const warned = headerOf(name, 'warn');
    const lines = loaded.ok ? [] : loaded.problems.map(lineOf);
    expect(lines).toEqual(expected);
    expect(expected.length + warned.length).toBeGreaterThan(0);
    // Where there are problems, the warnings are those of every small file: only the ones that are named are looked at.
    const told = loaded.warnings.map(lineOf);
    expect(loaded.ok ? told : told.filter((line) => warned.includes(line))).toEqual(warned);
    for (const line of [...lines, ...told]) expect(line).toMatch(/^[^:]+:\d+:\d+ {2}.+; .+/);
  });
});

function headerOf(name: string, word: string): string[] {
  const text = readFileSync(`${BAD}${name}`, 'latin1');
  const lines = [...text.matchAll(new RegExp(`^(?:\\xef\\xbb\\xbf)?# ${word}: (.*?)\\r?$`, 'gm'))].map((match) =>
    Buffer.from(match[1] ?? '', 'latin1').toString(),
  );
  return lines.map((line) => `${BAD}${name}:${line}`);
}

describe('references', () => {
  it('are resolved inside texts, from the environment, files and defaults', () => {
    const text = yaml({
      head: 'server: { host: "${HOST:-127.0.0.1}", port: "${PORT}" }',
      verify: '{ type: castai, secrets: ["${A}", "x${B:-${A}}"] }',
    });
    const { config } = ok(text, { PORT: '4000', A: SECRET });
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 4_000 });
    expect(config.secrets).toEqual(expect.arrayContaining([SECRET, `x${SECRET}`]));
  });

  it('a brace that YAML takes for its own is told once, with the remedy', () => {
    const loaded = load(yaml({ head: 'server: { host: "x", port: ${PORT} }' }), { PORT: '4000' });
    expect(loaded).toMatchObject({ ok: false, problems: [{ line: 1, remedy: 'put quotes around texts that hold ${…}' }] });
  });

  it('T47: no problem shows a value that came from a reference', () => {
    const loaded = load(yaml({ verify: '{ type: castai, secrets: "${S}" }', sinks: '{ out: { type: http, url: "${S}", timeout: "${S}" } }' }), {
      S: 'CANARY',
    });
    expect(loaded.ok).toBe(false);
    expect(JSON.stringify(loaded)).not.toContain('CANARY');
  });

  it('what a reference stands for is a text, whatever YAML would make of it', () => {
    const values = [': {}', 'x\n    stop: true', '[a]', '*x', '# no'];
    for (const value of values) {
      if (!value.includes('\n')) {
        const { config } = ok(yaml({ verify: '{ type: castai, secrets: ["${SECRET}${V}"] }' }), { V: value });
        expect(config.sources[0]?.signingSecret).toBe(`${SECRET}${value}`);
      }
      expect(ok(yaml({ routes: '[{ match: { name: "${V}" }, to: [out] }]' }), { V: value }).config.routes).toBe(1);
    }
  });

  it('T47: a secret is shown nowhere, also where it is written at the wrong place, or is no text', () => {
    const secret = 'hunter2-CANARY';
    const wrong = [
      yaml({ verify: `{ type: castai, secrets: ${secret} }` }),
      yaml({ verify: `{ type: castai, secrets: [[${secret}]] }` }),
      yaml({ verify: `{ type: castai, secrets: { ${secret}: ~ } }` }),
      yaml({ verify: `{ type: castai, secret: ${secret}, tolerance: ${secret} }` }),
      yaml({ verify: `{ type: ${secret}, secrets: ["${secret}"] }` }),
      yaml({ head: `operations: { token: [${secret}], host: ${secret} }` }),
      yaml({ sinks: `{ out: { type: slack, webhookUrl: ${secret}, text: ${secret} } }` }),
      yaml({ sinks: `{ out: { type: console, password: ${secret}, timeout: ${secret} } }` }),
      yaml({ sinks: `{ out: { type: http, url: "https://a:${secret}@h/", method: ${secret}, password: ${secret} } }` }),
    ];
    for (const text of wrong) {
      const loaded = load(text);
      expect(loaded.ok).toBe(false);
      expect(JSON.stringify(loaded)).not.toContain('CANARY');
    }
    expect(JSON.stringify(load(yaml({ verify: '{ type: castai, secrets: 1234567890123456 }' })))).not.toContain('1234567890123456');
  });

  it('a short value that came from a reference is not shown either, where it is told of', () => {
    const loaded = load(yaml({ sinks: '{ out: { type: console, timeout: "${S}" } }', routes: '[{ to: ["${S}"] }]' }), { S: 'q7z' });
    expect(loaded.ok).toBe(false);
    expect(JSON.stringify(loaded)).not.toContain('q7z');
  });

  it('a switch that came from a reference is a word of the message, and no secret', () => {
    const loaded = load(yaml({ routes: '[{ to: [out], stop: "x${S:-false}" }]' }));
    expect(loaded).toMatchObject({ ok: false, problems: [{ what: '`true` or `false` is wanted here, and this is a text' }] });
  });

  it('a status may come from the environment', () => {
    expect(ok(yaml({ sinks: '{ out: { type: http, url: "http://h/", retryOn: ["${S}", 5xx] } }' }), { S: '404' }).warnings).toEqual([]);
  });

  it('a number or a switch may come from the environment, a text never turns into one', () => {
    expect(ok(yaml({ sinks: '{ out: { type: console, concurrency: "${N}" } }' }), { N: '7' }).config.sinks[0]?.lane.concurrency).toBe(7);
    expect(load(yaml({ sinks: '{ out: { type: console, concurrency: "7" } }' })).ok).toBe(false);
  });

  it('`$${` is a literal `${`, and a reference in a comment or a key is none', () => {
    expect(ok(`# \${NOT_SET}\n${yaml({ routes: '[{ where: "event.type != \'$${x}\'", to: [out] }]' })}`).ok).toBe(true);
  });

  describe('a secret file', () => {
    const verify = '{ type: castai, secrets: ["${file:/run/secret}"] }';
    const holding = (content: string | Buffer, reference = verify) =>
      parseConfig(yaml({ verify: reference }), 'bridge.yaml', {}, kinds, (path) => {
        expect(path).toBe('/run/secret');
        return Buffer.from(content);
      });
    const told = (loaded: ReturnType<typeof holding>): string[] =>
      (loaded.ok ? loaded.warnings : loaded.problems).map(({ path, what, remedy }) => `${path}: ${what}; ${remedy}`);

    it.each([
      ['as it is', SECRET],
      ['with a line end behind it', `${SECRET}\r\n`],
      ['with a mark of the byte order before it', `\uFEFF${SECRET}\n`],
    ])('holds the secret %s', (_, content) => {
      const loaded = holding(content);
      expect(told(loaded)).toEqual([]);
      expect(loaded.ok && loaded.config.sources[0]?.signingSecret).toBe(SECRET);
    });

    it.each([
      ['UTF-16', Buffer.from(`\uFEFF${SECRET}`, 'utf16le'), 'the file /run/secret is no text in UTF-8; save it as UTF-8'],
      ['a byte that is no UTF-8', Buffer.from([...Buffer.from(SECRET), 0xff]), 'the file /run/secret is no text in UTF-8; save it as UTF-8'],
      ['two lines', `${SECRET}\nnext`, 'the secret has more than one line; write it in one, without an empty line before it'],
      ['an empty line before it', `\n${SECRET}`, 'the secret has more than one line; write it in one, without an empty line before it'],
      ['a space behind it', `${SECRET} \n`, 'the secret begins or ends with a space; delete the space, unless it belongs to it'],
    ])('that holds %s is told of', (_, content, what) => {
      expect(told(holding(content))).toEqual([`sources.castai.verify.secrets[0]: ${what}`]);
    });

    it('that was generated and is empty is told of, and not taken for one that is to be made', () => {
      const loaded = holding(' \n', '{ type: castai, secrets: ["${generate:/run/secret}"] }');
      expect(told(loaded)).toEqual(['sources.castai.verify.secrets[0]: the secret file /run/secret is empty; delete it: a start makes a new one']);
    });

    it('may have several lines where it is a key', () => {
      const pem = '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n';
      const sinks = '{ out: { type: kafka, brokers: ["k:1"], topic: t, tls: { cert: "${PEM}", key: "${PEM}" } } }';
      expect(ok(yaml({ sinks }), { PEM: pem }).warnings).toEqual([]);
    });
  });

  it('a generated secret is made once, and kept for `serve` to write', () => {
    const text = yaml({ verify: '{ type: castai, secrets: ["${generate:/no/such/file}", "${generate:/no/such/file}"] }' });
    const { config } = ok(text);
    expect(config.secretFiles).toHaveLength(1);
    expect(config.secretFiles[0]?.secret).toMatch(/^[0-9a-f]{64}$/);
    expect(config.sources[0]?.signingSecret).toBe(config.secretFiles[0]?.secret);
  });
});

describe('what is allowed and seldom meant is a warning', () => {
  it('names the place of each', () => {
    const { warnings } = ok(
      yaml({ verify: '{ type: none }', sinks: '{ out: { type: console }, idle: { type: console } }', routes: '[{ match: { type: a }, to: [out] }]' }),
    );
    expect(warnings.map((warning) => lineOf(warning).replace(/; .*/, ''))).toEqual([
      'bridge.yaml:5:5  sources.castai.verify: anybody who reaches this path can post events',
      'bridge.yaml:7:34  sinks.idle: no row of the table names this sink',
      'bridge.yaml:8:1  routes: an event that no row matches is kept as unrouted and sent nowhere',
    ]);
  });

  it('T08: a catch-all of either form needs no warning', () => {
    for (const type of ['"*"', '["*"]', '[a, "*"]']) expect(ok(yaml({ routes: `[{ match: { type: ${type} }, to: [out] }]` })).warnings).toEqual([]);
    expect(ok(`${yaml({ routes: '[{ match: { type: a }, to: [out] }]' })}\notherwise: { to: [out] }`).warnings).toEqual([]);
  });
});

it('defaults are those of the reference page', () => {
  const { config } = ok(yaml());
  expect(config.dedupWindowMs).toBe(7 * 86_400_000);
  expect(config.operations).toEqual({ host: '127.0.0.1', port: 3_001, token: null });
  expect(config.sinks[0]?.lane.retry).toEqual({ attempts: 1_000, initialMs: 1_000, maxMs: 600_000, maxAgeMs: 86_400_000 });
});

it('bounds are themselves allowed', () => {
  const head = 'server: { bodyLimit: 64MiB, headerTimeout: 1ms, bodyTimeout: 24d }\nshutdown: { grace: 1ms }';
  const sinks = '{ out: { type: console, timeout: 24d, pace: 1/h, retry: { initial: 1ms, max: 1ms, maxAge: 1s } } }';
  const { config } = ok(yaml({ head, sinks }));
  expect(config.server).toMatchObject({ bodyBytesMax: 64 * 1024 ** 2, headerTimeoutMs: 1, bodyTimeoutMs: 24 * 86_400_000 });
  expect(config.sinks[0]?.lane.retry).toMatchObject({ initialMs: 1, maxMs: 1, maxAgeMs: 1_000 });
});

it('what a kind is given is frozen, with all that is below', () => {
  const { config } = ok(yaml({ sinks: '{ out: { type: http, url: "https://localhost/", headers: { a: b } } }' }));
  const given = config.sinks[0]?.config as { headers: object; retry: object };
  expect([given, given.headers, given.retry].map(Object.isFrozen)).toEqual([true, true, true]);
});

it('names such as `constructor` are names like others', () => {
  expect(ok(yaml({ sinks: '{ constructor: { type: console } }', routes: '[{ to: [constructor] }]' })).config.sinks[0]?.name).toBe('constructor');
  expect(load(yaml({ routes: '[{ to: [toString] }]' })).ok).toBe(false);
});

it('a mark of the byte order moves no place', () => {
  expect(load(`\uFEFFsever: {}\n${yaml()}`)).toMatchObject({ ok: false, problems: [{ line: 1, column: 1, path: 'sever' }] });
});

it('an alias bomb is refused', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...Array.from('bcdefg').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(',')}]`),
  ].join('\n');
  expect(load(bomb)).toMatchObject({ ok: false });
});

it('a file that cannot be read is a problem like others', () => {
  expect(loadConfig('/no/such/bridge.yaml', {}, kinds)).toEqual({
    ok: false,
    problems: [expect.objectContaining({ file: '/no/such/bridge.yaml', line: 1, what: 'the file cannot be read (ENOENT)' })],
    warnings: [],
  });
});
