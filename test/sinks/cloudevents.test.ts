import { CloudEvent, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cloudEventValue } from '../../src/sinks/headers.js';
import { recordOf } from '../../src/sinks/kafka-record.js';
import { messageTo } from '../kafka/sink.js';
import { configured } from './sent.js';

const body = Buffer.from('{"id":"x","n":[1,"ü"]}');
const message = messageTo('t', 'evt_ü "1" 100%', { body, time: '2026-01-12T09:24:06Z' });

it('a Kafka record in binary mode is read by the library of the specification, with the received bytes for its value', () => {
  const { headers, value } = recordOf(message, 'cloudevents-binary');
  expect(value).toBe(body);
  expect(headers).toMatchObject({ 'content-type': 'application/json', ce_id: 'evt_ü "1" 100%', 'castbridge-event-id': 'evt_ü "1" 100%' });
  const read = Kafka.toEvent({ headers, value: value.toString(), key: '', body: value.toString(), timestamp: '0' } as never);
  if (Array.isArray(read)) throw new Error('one event was written');
  expect(read).toMatchObject({
    specversion: '1.0',
    id: 'evt_ü "1" 100%',
    source: '/castbridge/castai',
    type: 'resource.created',
    time: '2026-01-12T09:24:06.000Z',
    datacontenttype: 'application/json',
    data: { id: 'x', n: [1, 'ü'] },
  });
  expect(new CloudEvent(read).validate()).toBe(true);
});

it('what a Kafka sink writes so can be chosen, and the attributes belong to the bridge then', () => {
  const sink = { type: 'kafka', brokers: ['k:1'], topic: 't', value: 'cloudevents-binary' };
  const { preview, message: messageOf } = configured(sink);
  expect(preview(messageOf())).toMatchObject({ headers: { ce_type: 'resource.created', ce_specversion: '1.0' } });
  expect(() => configured({ ...sink, headers: { ce_id: 'x' } })).toThrow('the bridge sets "ce_id" itself');
  expect(() => configured({ ...sink, value: 'raw', headers: { ce_id: 'x' } })).not.toThrow();
});

it('an attribute in a header of HTTP is what the binding allows, and read back is what it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = cloudEventValue(text);
      expect(encoded).toMatch(/^[\x21\x23-\x7e]*$/);
      expect(decodeURIComponent(encoded)).toBe(text);
    }),
  );
});

it.each([
  ['a dead letter that is no JSON', '{"id":', ''],
  ['bytes that are no text', Buffer.from([0xff, 0x00, 0x22]), 'a.type'],
])('%s is in a structured CloudEvent as base64, and comes back byte for byte', (_, bytes, type) => {
  const given = messageTo('t', 'evt_1', { body: Buffer.from(bytes) });
  const { value } = recordOf({ ...given, event: { ...given.event, type } }, 'cloudevents');
  const read = new CloudEvent(JSON.parse(value.toString()) as object);
  expect(read.validate()).toBe(true);
  expect(Buffer.from(read.data_base64 ?? '', 'base64').equals(Buffer.from(bytes))).toBe(true);
  expect(read.type).toBe(type === '' ? 'castbridge.undecodable' : type);
});
