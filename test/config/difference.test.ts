import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceBetween, isSame, type Differing } from '../../src/config/difference.js';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

interface Parts {
  readonly sources?: object;
  readonly sinks?: object;
  readonly routes?: readonly object[];
  readonly more?: object;
}

const source = (more: object = {}) => ({ path: '/w', verify: { type: 'none' }, format: 'castai-event', ...more });
const http = (more: object = {}) => ({ type: 'http', url: 'http://127.0.0.1:1/', ...more });

function described({ sources = { open: source() }, sinks = { a: http() }, routes = [{ to: ['a'] }], more = {} }: Parts, env: Record<string, string>) {
  const loaded = parseConfig(JSON.stringify({ sources, sinks, routes, ...more }), 'bridge.yaml', env, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  return loaded.config.describe('salt');
}

function between(before: Parts, after: Parts, env: Record<string, string> = {}, envThen = env): Differing {
  return differenceBetween(described(before, env), described(after, envThen));
}

describe('the difference between two configurations', () => {
  it('is none for another order of keys, a default written out, a time in another unit, a reference in the place of its value', () => {
    const one = { sinks: { a: http({ timeout: '60s', headers: { x: 'one' } }) } };
    const other = { sinks: { a: { headers: { x: '${X}' }, method: 'POST', timeout: '1m', ...http() } }, more: { shutdown: { grace: '20s' } } };
    expect(isSame(between(one, other, { X: 'one' }))).toBe(true);
  });

  it('names the keys of a sink, with units', () => {
    const { sinks } = between({}, { sinks: { a: http({ timeout: '90s', retry: { attempts: 3 }, pace: '30/m' }), b: http() } });
    expect(sinks).toEqual({
      added: ['b'],
      removed: [],
      changed: [
        {
          name: 'a',
          differences: [
            { path: 'retry.attempts', before: 1000, after: 3 },
            { path: 'timeout', before: '10s', after: '1m30s' },
            { path: 'pace', before: undefined, after: '30/m' },
          ],
        },
      ],
    });
  });

  it('names the keys of a source, and of its verifier', () => {
    const signed = (tolerance: string) => ({ open: source({ verify: { type: 'castai', secrets: ['${S}'], tolerance } }) });
    const { sources } = between({ sources: signed('5m') }, { sources: signed('1m') }, { S: 'b6f1d0c5b9a7e4f3288d' });
    expect(sources.changed).toEqual([{ name: 'open', differences: [{ path: 'verify.tolerance', before: '5m', after: '1m' }] }]);
  });

  it('is the row by its name: what it asks for, where it sends, and its place', () => {
    const row = (name: string, more: object = {}) => ({ name, to: ['a'], ...more });
    const { routes } = between(
      { routes: [row('one'), row('two'), row('three'), row('four')] },
      { routes: [row('four'), row('one'), row('two', { match: { type: 'x' }, stop: true }), row('new')] },
    );
    expect(routes).toMatchObject({ added: ['new'], removed: ['three'], moved: ['four'] });
    expect(routes.changed).toEqual([
      {
        name: 'two',
        differences: [
          { path: 'stop', before: false, after: true },
          { path: 'match', before: undefined, after: { type: 'x' } },
        ],
      },
    ]);
  });

  it('says what needs a restart, and what does not', () => {
    const { settings } = between(
      {},
      { more: { server: { port: 4000, bodyLimit: '2MiB' }, storage: { retention: '1d' }, otherwise: { to: ['a'] }, onDead: { to: ['a'] } } },
    );
    expect(settings).toEqual([
      { path: 'server.port', before: 3000, after: 4000, restart: true },
      { path: 'server.bodyLimit', before: '1MiB', after: '2MiB', restart: false },
      { path: 'storage.retention', before: '7d', after: '1d', restart: true },
      { path: 'otherwise', before: undefined, after: { to: ['a'] }, restart: false },
      { path: 'onDead', before: undefined, after: { to: ['a'] }, restart: false },
    ]);
  });

  it('T47: shows that a secret is another one, and not what it is', () => {
    const parts = {
      sources: { open: source({ verify: { type: 'castai', secrets: ['${S}'] } }) },
      sinks: { a: http({ headers: { authorization: 'Bearer ${T}' }, url: 'https://user:${T}@localhost/' }) },
    };
    const differing = between(parts, parts, { S: 'CANARY-b6f1d0c5b9a7', T: 'CANARY-1234' }, { S: 'CANARY-e4f3288d0a1b', T: 'CANARY-5678' });
    expect(differing.sources.changed.flatMap(({ differences }) => differences.map(({ path }) => path))).toEqual(['verify.secrets']);
    expect(differing.sinks.changed.flatMap(({ differences }) => differences.map(({ path }) => path))).toEqual(['url', 'headers.authorization']);
    expect(JSON.stringify(differing)).not.toContain('CANARY');
    expect(JSON.stringify(described(parts, { S: 'CANARY-b6f1d0c5b9a7', T: 'CANARY-1234' }))).not.toContain('CANARY');
    expect(isSame(between(parts, parts, { S: 'CANARY-b6f1d0c5b9a7', T: 'CANARY-1234' }))).toBe(true);
  });

  it('takes a header that is named as what every object has', () => {
    const { sinks } = between({}, { sinks: { a: http({ headers: { constructor: 'x' } }) } });
    expect(sinks.changed).toEqual([{ name: 'a', differences: [{ path: 'headers.constructor', before: undefined, after: 'x' }] }]);
  });

  it('moves as few rows as make the one order of the other', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (order) => {
        const table = (rows: readonly string[]) => ({ settings: {}, sources: {}, sinks: {}, routes: rows.map((name) => ({ name })) });
        const { moved } = differenceBetween(table(names), table(order)).routes;
        const stay = order.filter((name) => !moved.includes(name));
        expect(stay).toEqual([...stay].sort());
        // No longer run keeps its order: tried one by one.
        const runs = Array.from({ length: 2 ** names.length }, (_, bits) => order.filter((_, index) => (bits >> index) & 1));
        expect(stay).toHaveLength(Math.max(...runs.filter((run) => run.join() === [...run].sort().join()).map((run) => run.length)));
      }),
      { numRuns: 30 },
    );
  });
});
