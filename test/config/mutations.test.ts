import fc from 'fast-check';
import { isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node } from 'yaml';
import { describe, expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

const GOOD = `
server: { host: 127.0.0.1, port: 3000, bodyLimit: 1MiB }
operations: { port: 3001, token: "\${TOKEN}" }
storage: { type: sqlite, path: ./x.db, retention: 7d }
dedup: { window: 7d }
sources:
  castai:
    path: /w
    verify: { type: castai, secrets: ["\${TOKEN}"], tolerance: 5m }
    format: castai-event
    gzip: true
  other: { path: /o, verify: { type: none }, format: castai-event, dedup: { missingId: hash } }
sinks:
  events: &kafka
    type: kafka
    brokers: ["kafka-1:9092"]
    topic: castai.{event.type}
    key: event.cluster.id
    tls: true
    sasl: { mechanism: plain, username: u, password: "\${TOKEN}" }
    batch: 10
  more: { <<: *kafka, topic: more, headers: { a: b } }
  ops:
    type: slack
    webhookUrl: https://hooks.slack.com/services/\${TOKEN}
    text: "{{ event.name }}"
    pace: 1/s
  cmdb: { type: http, url: "https://c.internal/{event.id}", retryOn: [404, 5xx], retry: { attempts: 3, max: 1m } }
routes:
  - { name: page, match: { type: "a.*", severity: [critical, error] }, where: 'event.name != "x"', to: [events, ops] }
  - match: { source: castai }
    to: [more, cmdb]
    stop: true
otherwise: { to: [ops] }
`;
const TOKEN = '0123456789abcdef0123456789abcdef';

/** What is put in the place of a value, or of a key. */
const OTHER = [
  '~',
  '5',
  '-1',
  '1.5',
  'true',
  '"text"',
  '[]',
  '[1]',
  '[[a]]',
  '{}',
  '{ a: b }',
  '"{event.x}"',
  '"{{ x"',
  '"${NOT_SET}"',
  '"${TOKEN}"',
  '*kafka',
  '*none',
  '!x y',
  '.nan',
];

function nodesOf(document: Document): Node[] {
  const nodes: Node[] = [];
  visit(document, { Node: (_, node) => void nodes.push(node) });
  return nodes;
}

/** Replaces, deletes or doubles the part of the text where a node stands. */
function mutated(text: string, at: number, how: 'replace' | 'delete' | 'double', other: string): string {
  const nodes = nodesOf(parseDocument(text)).filter((node) => node.range && node.range[0] > 0);
  const node = nodes[at % Math.max(1, nodes.length)];
  const [start = 0, end = 0] = node?.range ?? [];
  const part = isMap(node) || isSeq(node) || isScalar(node) ? text.slice(start, end) : '';
  return text.slice(0, start) + (how === 'replace' ? other : how === 'delete' ? '' : `${part}, ${part}`) + text.slice(end);
}

it('the file that is mutated is good', () => {
  expect(parseConfig(GOOD, 'bridge.yaml', { TOKEN }, kinds)).toMatchObject({ ok: true, warnings: [{ path: 'sources.other.verify' }] });
});

it('whatever is changed in a file: checking ends, every finding is inside the file, and what loads has the right types', () => {
  const change = fc.tuple(fc.nat(500), fc.constantFrom<'replace' | 'delete' | 'double'>('replace', 'delete', 'double'), fc.constantFrom(...OTHER));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const text = changes.reduce((now, [at, how, other]) => mutated(now, at, how, other), GOOD);
      const loaded = parseConfig(text, 'bridge.yaml', { TOKEN }, kinds);
      const lines = text.split('\n');
      const problems = loaded.ok ? [] : loaded.problems;
      expect(loaded.ok || problems.length > 0).toBe(true);
      for (const { line, column, what, remedy } of [...problems, ...loaded.warnings]) {
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
        expect(what + remedy).not.toContain(TOKEN);
        expect(what).not.toBe('');
        expect(remedy).not.toBe('');
      }
      if (loaded.ok) expectTypes(loaded.config);
    }),
    { seed: 7, numRuns: 400 },
  );
});

function expectTypes({ server, storage, dedupWindowMs, sources, sinks }: Extract<ReturnType<typeof parseConfig>, { ok: true }>['config']): void {
  expect(typeof server.host).toBe('string');
  for (const number of [server.port, server.bodyBytesMax, dedupWindowMs, storage.retentionMs]) expect(Number.isFinite(number)).toBe(true);
  for (const { path, gzip } of sources) expect([typeof path, typeof gzip]).toEqual(['string', 'boolean']);
  for (const { lane } of sinks) {
    expect(Object.values(lane.retry).every(Number.isFinite)).toBe(true);
    expect([lane.timeoutMs, lane.concurrency, lane.batch].every(Number.isFinite)).toBe(true);
  }
}

/** Keys that are no names people choose, and values, each with its place in the text. */
function partsOf(text: string): { keys: [number, number][]; values: [number, number][] } {
  const [keys, values]: [number, number][][] = [[], []];
  visit(parseDocument(text), {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value === '<<' || !key.range) return;
      const [start, end] = key.range;
      if (!['castai', 'other', 'events', 'more', 'ops', 'cmdb', 'a'].includes(String(key.value))) keys?.push([start, end]);
      // A block cannot be replaced between braces and brackets alone.
      const range = isScalar(value) || (isSeq(value) && value.flow === true) ? value.range : null;
      if (range) values?.push([range[0], range[1]]);
    },
  });
  return { keys: keys ?? [], values: values ?? [] };
}

describe('one mistake is one finding, and nothing that only follows from it', () => {
  const { keys, values } = partsOf(GOOD);
  const told = (text: string): string[] => {
    const loaded = parseConfig(text, 'f', { TOKEN }, kinds);
    const warnings = loaded.warnings.filter(({ path }) => path !== 'sources.other.verify');
    return [...(loaded.ok ? [] : loaded.problems), ...warnings].map(lineOf);
  };

  it.each(keys.map(([start, end]) => [GOOD.slice(start, end), start, end] as const))('the key %s with a letter too many', (key, start, end) => {
    const findings = told(`${GOOD.slice(0, start)}${key}q${GOOD.slice(end)}`);
    const { line, column } = placeOf(start);
    expect(findings).toEqual([expect.stringContaining(`f:${line}:${column}  `)]);
    expect(findings[0]).toContain(`unknown key "${key}q"; did you mean "${key}"?`);
  });

  it.each(values.map(([start, end]) => [GOOD.slice(start, end), start, end] as const))(
    'a list, and a variable that is not set, for %s',
    (_, start, end) => {
      for (const wrong of ['[[1]]', '"${NOT_SET}"']) expect(told(GOOD.slice(0, start) + wrong + GOOD.slice(end))).toHaveLength(1);
    },
  );
});

function placeOf(offset: number): { line: number; column: number } {
  const before = GOOD.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
