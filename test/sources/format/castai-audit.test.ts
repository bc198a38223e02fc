import { describe, expect, it } from 'vitest';
import { eventsIn } from '../../../src/core/source.js';
import { castaiAudit } from '../../../src/sources/format/castai-audit.js';
import { decodedBy, detailBy, formatContract } from '../../contract/format.js';

const format = castaiAudit.bare;

const V1 = {
  id: 'a-1',
  eventType: 'nodeAdded',
  initiatedBy: { id: 'u', name: 'autoscaler' },
  time: '2026-01-12T09:24:07.123456789Z',
  event: { node: { name: 'n1' }, clusterName: 'prod' },
  labels: { clusterId: 'c-1' },
};
const V2 = {
  eventId: 'b-1',
  eventType: 'autoscaler.rebalancing.initiated',
  occurredAt: '2026-01-12T09:24:07Z',
  severity: 'INFO',
  actor: { id: 'u' },
  resource: { id: 'r' },
  clusterId: 'c-2',
  body: Buffer.from('{"reason":"spot"}').toString('base64'),
};

formatContract(format, {
  body: JSON.stringify(V1),
  event: {
    id: 'a-1',
    type: 'audit.nodeAdded',
    name: 'nodeAdded',
    severity: null,
    cluster: { id: 'c-1', name: 'prod' },
    time: V1.time,
    data: V1.event,
    body: V1,
  },
});

describe('castai-audit', () => {
  it('reads an entry of the newer API, with its packed body', () => {
    expect(decodedBy(format, V2)).toMatchObject({
      id: 'b-1',
      type: 'audit.autoscaler.rebalancing.initiated',
      severity: 'info',
      cluster: { id: 'c-2', name: null },
      time: V2.occurredAt,
      data: { reason: 'spot' },
    });
    expect(decodedBy(format, { ...V2, body: 'no base64!' }).data).toBe('no base64!');
    expect(decodedBy(format, { ...V2, body: undefined }).data).toBeNull();
  });

  it.each(['items', 'events'])('cuts a page under %s into its entries, byte for byte', (key) => {
    const big = '{"id":"a-2","eventType":"x","event":{"big":9007199254740993,"items":[1,{"a":"],}\\"{["}]}}';
    const page = `{"nextCursor":"c","${key}":[ ${JSON.stringify(V1)} ,\n${big}],"count":2}`;
    const events = eventsIn(format, Buffer.from(page));
    expect(events.map(String)).toEqual([JSON.stringify(V1), big]);
    expect(events.map((one) => decodedBy(format, one).id)).toEqual(['a-1', 'a-2']);
  });

  it('takes a page without entries for none, and what only looks like a page for an entry', () => {
    expect(eventsIn(format, Buffer.from('{"items":[]}'))).toEqual([]);
    for (const body of [
      '{"items":{"a":[1]}}',
      '{"a":{"items":[1]}}',
      '{"x":"items"}',
      '[{"items":[1]}]',
      '{"items":[1],"items":null}',
      '{"items":[1',
    ])
      expect(eventsIn(format, Buffer.from(body)).map(String), body).toEqual([body]);
    expect(eventsIn(format, Buffer.from('{"items":[1],"items":[2,3]}')).map(String)).toEqual(['2', '3']);
    expect(detailBy(format, { id: 'a', event: {} })).toBe('"eventType" is missing or not a string');
  });
});
