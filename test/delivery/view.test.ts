import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/core/event.js';
import { keptHeaders, type Dedup, type Format } from '../../src/core/source.js';
import { createView } from '../../src/delivery/view.js';
import { judge } from '../../src/ingress/keep.js';
import { kinds } from '../../src/kinds.js';
import { github } from '../../src/sources/format/github.js';
import { json } from '../../src/sources/format/json.js';

const stored: StoredEvent = {
  uid: '1-a',
  source: 'shop',
  format: 'json',
  id: 'o-1',
  type: 'order.paid',
  receivedMs: 0,
  body: Buffer.from('{"order":{"id":"o-1","state":"order.paid","total":"high"}}'),
  headers: {},
};
const viewWith = (sources: Readonly<Record<string, Format>>) => createView(kinds.formats, (name) => sources[name]);
const mapped = (severity: string) => json.prepare({ fields: { id: '/order/id', type: '/order/state', severity } });

describe('a stored event is seen', () => {
  it('as its source reads it today', () => {
    expect(viewWith({ shop: mapped('/order/total') })(stored)).toMatchObject({ id: 'o-1', type: 'order.paid', severity: 'high' });
    expect(viewWith({ shop: mapped('/order/none') })(stored)).toMatchObject({ severity: null });
  });

  it('by its kind where its source is gone, or reads another one now: with the id and the type it was stored with', () => {
    for (const sources of [{}, { shop: github.bare }, { other: mapped('/order/total') }])
      expect(viewWith(sources)(stored)).toMatchObject({ id: 'o-1', type: 'order.paid', severity: null, data: { order: { total: 'high' } } });
  });

  it('with the headers that were kept for its format', () => {
    const event = { ...stored, format: 'github', headers: { 'x-github-event': 'push', 'x-github-delivery': 'd' } };
    expect(viewWith({})(event)).toMatchObject({ type: 'github.push', id: 'o-1' });
  });

  it('not at all where its body cannot be read, or nobody knows its format', () => {
    expect(viewWith({})({ ...stored, body: Buffer.from('{') })).toBeNull();
    expect(viewWith({})({ ...stored, format: 'gone' })).toBeNull();
  });
});

describe('what the ingress read of an event, which the lanes are given, is what they would read of it', () => {
  const dedup: Dedup = { key: null, windowMs: 1_000, missingId: 'hash' };
  const formats = kinds.formats.map(({ type, bare }) => (type === 'json' ? mapped('/order/total') : bare));
  it.each(formats.map((format) => [format.type, format] as const))('%s', (_, format) => {
    const { body, headers } = format.sample('evt_1');
    const kept = keptHeaders(format, headers);
    const withoutId = body.replaceAll('"evt_1"', '""');
    for (const [text, by] of [
      [body, dedup],
      [withoutId, dedup],
      [body, { ...dedup, key: () => 'its key' }],
    ] as const) {
      const { arrival, view } = judge({ name: 'shop', format, dedup: by }, { body: Buffer.from(text), headers: kept, receivedMs: 5 }, () => []);
      const { source, format: read, id, type, receivedMs } = arrival;
      expect(view).not.toBeNull();
      expect(viewWith({ shop: format })({ ...stored, source, format: read, id, type, receivedMs, body: arrival.body, headers: kept })).toEqual(view);
    }
  });
});
