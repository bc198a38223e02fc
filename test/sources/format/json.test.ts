import { describe, expect, it } from 'vitest';
import { json } from '../../../src/sources/format/json.js';
import { decodedBy, detailBy, formatContract } from '../../contract/format.js';

const FIELDS = {
  id: '/alert/id',
  type: '/alert/kind',
  severity: '/alert/level',
  name: '/alert/title',
  message: '/alert/lines/1',
  clusterId: { header: 'X-Cluster' },
  clusterName: { value: 'prod' },
  time: '/at',
  data: '/alert',
};
const format = json.prepare({ fields: FIELDS });
const ALERT = { id: 'a-1', kind: 'cost', level: 'HIGH', title: 'Cost', lines: ['one', 'two'] };

formatContract(format, {
  body: JSON.stringify({ alert: ALERT, at: 'now' }),
  headers: { 'x-cluster': 'c-1' },
  event: { id: 'a-1', type: 'cost', severity: 'high', name: 'Cost', message: 'two', cluster: { id: 'c-1', name: 'prod' }, time: 'now', data: ALERT },
});

const read = (fields: Partial<typeof FIELDS> & Record<string, unknown>, body: unknown) =>
  decodedBy(json.prepare({ fields: { type: { value: 't' }, ...fields } }), body as object);

describe('json', () => {
  it.each([
    ['/a', { a: 'x' }, 'x'],
    ['/a/b', { a: { b: 'x' } }, 'x'],
    ['/a/0/b', { a: [{ b: 'x' }] }, 'x'],
    ['/a~1b/~0', { 'a/b': { '~': 'x' } }, 'x'],
    ['/', { '': 'x' }, 'x'],
    ['/a b', { 'a b': 'x' }, 'x'],
    ['/0', ['x'], 'x'],
    ['/00', ['x'], null],
    ['/-', ['x'], null],
    ['/length', ['x'], null],
    ['/a', {}, null],
    ['/a/b', { a: 'text' }, null],
    ['/a/b', { a: null }, null],
    ['/a', { a: '' }, null],
    ['/a', { a: { b: 1 } }, null],
    ['/a', { a: 7 }, '7'],
    ['/a', { a: false }, 'false'],
    ['/constructor', {}, null],
    ['/__proto__/id', {}, null],
  ])('reads the place %s of %j: %j', (name, body, text) => {
    expect(read({ name }, body).name).toBe(text);
  });

  it('has the whole body for data where none is named, and null where there is none', () => {
    expect(read({}, [1]).data).toEqual([1]);
    expect(read({ data: '/a' }, {}).data).toBeNull();
    expect(read({ data: '/a' }, { a: { b: 1 } }).data).toEqual({ b: 1 });
  });

  it('T09: has no id where none is named, and refuses a number that would be another one', () => {
    expect(read({}, {}).id).toBeNull();
    expect(read({ id: '/n' }, { n: 9_007_199_254_740_991 }).id).toBe('9007199254740991');
    const big = json.prepare({ fields: { type: { value: 't' }, id: '/n' } });
    for (const n of ['9007199254740993', '1e300', '1.5'])
      expect(detailBy(big, `{"n":${n}}`)).toBe('/n is a number that JSON cannot hold exactly: have it sent as a text');
  });

  it('says where the type is missing', () => {
    expect(detailBy(format, { alert: {} })).toBe('/alert/kind is missing or not a string');
    expect(detailBy(json.prepare({ fields: { type: { header: 'X-Kind' } } }), {})).toBe('the header X-Kind is missing or not a string');
  });

  it('reads what it can of an event whose source is gone', () => {
    expect(decodedBy(json.bare, { a: 1 })).toMatchObject({ id: null, type: '', data: { a: 1 } });
  });
});
