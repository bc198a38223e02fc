import { describe, expect, it } from 'vitest';
import { changesBetween, keysBoundAtStart } from '../../src/config/changes.js';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

interface Parts {
  readonly sinks?: object;
  readonly routes?: readonly object[];
  readonly more?: object;
}

function config({ sinks = { a: { type: 'console' } }, routes = [{ to: ['a'] }], more = {} }: Parts = {}, env: Record<string, string> = {}) {
  const sources = { open: { path: '/w', verify: { type: 'none' }, format: 'castai-event' } };
  const loaded = parseConfig(JSON.stringify({ sources, sinks, routes, ...more }), 'bridge.yaml', env, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  return loaded.config;
}

const http = (more: object = {}) => ({ type: 'http', url: 'http://127.0.0.1:1/', ...more });

describe('what changes', () => {
  it('are sinks by name, and how many rows and sources there are then', () => {
    const before = config({ sinks: { gone: http(), kept: http(), changed: http() }, routes: [{ to: ['gone'] }] });
    const after = config({ sinks: { changed: http({ timeout: '3s' }), kept: http(), fresh: http() }, routes: [{ to: ['kept'] }, { to: ['fresh'] }] });
    expect(changesBetween(before, after)).toEqual({ sinks: { added: ['fresh'], removed: ['gone'], changed: ['changed'] }, sources: 1, routes: 2 });
  });

  it.each<[string, object, object, Record<string, string>, Record<string, string>, string[]]>([
    [
      'another order of keys, a default written out, the same time in another unit',
      http({ timeout: '60s', method: 'POST' }),
      { timeout: '1m', ...http() },
      {},
      {},
      [],
    ],
    ['a reference in the place of its value', http({ headers: { x: 'one' } }), http({ headers: { x: '${X}' } }), {}, { X: 'one' }, []],
    ['another value of a reference', http({ headers: { x: '${X}' } }), http({ headers: { x: '${X}' } }), { X: 'one' }, { X: 'two' }, ['a']],
    ['another policy', http(), http({ retry: { attempts: 3 } }), {}, {}, ['a']],
    ['another type', http(), { type: 'console' }, {}, {}, ['a']],
  ])('%s', (_, one, other, env, envThen, changed) => {
    const changes = changesBetween(config({ sinks: { a: one } }, env), config({ sinks: { a: other } }, envThen));
    expect(changes.sinks).toEqual({ added: [], removed: [], changed });
  });
});

describe('the keys that are bound at start', () => {
  it('are named where their values differ, and nowhere else', () => {
    const more = {
      server: { port: 4_000, bodyLimit: '2MiB' },
      storage: { path: 'x.db', retention: '1d' },
      dedup: { window: '1d' },
      shutdown: { grace: '1s' },
    };
    expect(keysBoundAtStart(config(), config({ more }))).toEqual(['server.port', 'storage.path', 'storage.retention', 'dedup.window']);
    expect(keysBoundAtStart(config({ more }), config({ more: { ...more, dedup: { window: '24h' } } }))).toEqual([]);
  });
});
