import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { eventsIn } from '../../../src/core/source.js';
import { cloudevents } from '../../../src/sources/format/cloudevents.js';
import { decodedBy, detailBy, formatContract } from '../../contract/format.js';

const format = cloudevents.bare;
const ATTRIBUTES = {
  specversion: '1.0',
  id: 'e-1',
  source: 'urn:castai',
  type: 'com.castai.node',
  subject: 'node/n1',
  time: '2026-01-12T09:24:07.000Z',
};
const DATA = { severity: 'Error', message: 'gone', cluster: { id: 'c-1' } };
const EXPECTED = {
  id: 'urn:castai#e-1',
  type: 'com.castai.node',
  name: 'node/n1',
  severity: 'error',
  message: 'gone',
  cluster: { id: 'c-1', name: null },
  time: ATTRIBUTES.time,
  data: DATA,
};

formatContract(format, { body: JSON.stringify({ ...ATTRIBUTES, data: DATA }), event: EXPECTED });
formatContract(format, {
  body: JSON.stringify(DATA),
  headers: Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, value]) => [`ce-${name}`, value])),
  event: EXPECTED,
});

describe('cloudevents', () => {
  const event = new CloudEvent({ ...ATTRIBUTES, data: DATA });
  const lower = (headers: object) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));

  it.each(['structured', 'binary'] as const)('reads what the library of the specification sends, %s', (mode) => {
    const { headers, body } = HTTP[mode](event);
    expect(decodedBy(format, String(body), lower(headers))).toMatchObject(EXPECTED);
  });

  it('cuts a batch into its events', () => {
    const events = ['e-1', 'e-2'].map((id) => ({ ...ATTRIBUTES, id, data: [DATA, '},{'] }));
    const cut = eventsIn(format, Buffer.from(JSON.stringify(events)));
    expect(cut.map((one) => decodedBy(format, one).id)).toEqual(['urn:castai#e-1', 'urn:castai#e-2']);
    expect(eventsIn(format, Buffer.from('[]'))).toEqual([]);
  });

  it('keeps events of two sources with one id apart', () => {
    expect(decodedBy(format, { ...ATTRIBUTES, source: 'urn:other' }).id).toBe('urn:other#e-1');
  });

  it.each([
    [{ data_base64: Buffer.from('{"a":1}').toString('base64') }, { a: 1 }],
    [{ data_base64: Buffer.from('text').toString('base64') }, 'text'],
    [{ data_base64: '/w==' }, null],
    [{ data: 'text' }, 'text'],
    [{}, null],
  ])('reads the data of %j', (data, expected) => {
    expect(decodedBy(format, { ...ATTRIBUTES, ...data }).data).toEqual(expected);
  });

  it('reads binary data of any type, and attributes that are percent-encoded', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'e%20%C3%BC', 'ce-source': '/a', 'ce-type': 't', 'ce-subject': '100%' };
    expect(decodedBy(format, 'no json', headers)).toMatchObject({ id: '/a#e ü', name: '100%', data: 'no json', body: 'no json' });
    expect(decodedBy(format, Buffer.from([0xff]), headers).data).toBeNull();
    expect(decodedBy(format, '[1,2]', headers).data).toEqual([1, 2]);
  });

  it('says what a CloudEvent lacks', () => {
    const without = (name: string) => detailBy(format, { ...ATTRIBUTES, [name]: undefined });
    expect(without('specversion')).toBe('"specversion" is missing: this is no CloudEvent');
    expect(without('source')).toBe('"source" is missing: no CloudEvent is without one');
    expect(without('type')).toBe('"type" is missing or not a string');
    expect(decodedBy(format, { ...ATTRIBUTES, id: undefined }).id).toBeNull();
    expect(detailBy(format, '{}', { 'ce-specversion': '1.0', 'ce-id': 'x' })).toBe('the header ce-source is missing: no CloudEvent is without one');
  });
});
