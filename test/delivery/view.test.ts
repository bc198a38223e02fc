import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/core/event.js';
import type { Format } from '../../src/core/source.js';
import { createView } from '../../src/delivery/view.js';
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
