import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoded } from '../../../src/core/event.js';
import { castaiEvent } from '../../../src/sources/format/castai-event.js';

const decode = (bytes: Buffer) => castaiEvent.bare.decode(bytes, {});

/** What a readable body says. */
function decoded(body: string | Buffer | object): Decoded {
  const decoding = decode(bytesOf(body));
  if (!decoding.ok) throw new Error(decoding.detail);
  return decoding.event;
}

function detailOf(body: string | Buffer | object): string {
  const decoding = decode(bytesOf(body));
  return decoding.ok ? 'it was decoded' : decoding.detail;
}

function bytesOf(body: string | Buffer | object): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

describe('castai-event', () => {
  it('reads the envelope, and keeps what it does not know', () => {
    const body = { id: 'evt_1', type: 'resource.created', data: { size: 3 }, created: '2026-01-12T09:24:07Z', tenant: 'a' };
    expect(decoded(body)).toEqual({
      id: 'evt_1',
      type: 'resource.created',
      severity: null,
      name: null,
      message: null,
      cluster: { id: null, name: null },
      time: '2026-01-12T09:24:07Z',
      data: { size: 3 },
      body,
    });
  });

  it.each([
    [{ severity: 'CRITICAL' }, { severity: 'critical' }],
    [
      { severity: 3, name: 4, message: { text: 'x' } },
      { severity: null, name: null, message: null },
    ],
    [
      { name: 'Node deletion failed', message: 'a, b' },
      { name: 'Node deletion failed', message: 'a, b' },
    ],
    [{ name: '' }, { name: null }],
    [{ cluster: { id: 'c1', name: 'prod' } }, { cluster: { id: 'c1', name: 'prod' } }],
    [{ cluster: 'prod' }, { cluster: { id: null, name: 'prod' } }],
    [{ cluster: ['prod'] }, { cluster: { id: null, name: null } }],
    [{ clusterId: 'c1', clusterName: 'prod' }, { cluster: { id: 'c1', name: 'prod' } }],
    [{ cluster_id: 'c1', cluster_name: 'prod' }, { cluster: { id: 'c1', name: 'prod' } }],
    [{ clusterID: 'c1' }, { cluster: { id: 'c1', name: null } }],
    [{ cluster: { id: 7, name: null }, clusterId: 'c1', clusterName: 'prod' }, { cluster: { id: 'c1', name: 'prod' } }],
  ])('reads from data %j: %j', (data, expected) => {
    expect(decoded({ id: '1', type: 't', data })).toMatchObject(expected);
  });

  it.each([[undefined], [null], [''], ['  ']])('says that the id %j is none', (id) => {
    expect(decoded({ id, type: 'test' }).id).toBeNull();
  });

  it.each([
    [undefined, null],
    [null, null],
    [[], []],
    ['text', 'text'],
    [0, 0],
    [false, false],
  ])('takes any data, here %j', (data, expected) => {
    expect(decoded({ id: '1', type: 'test', data }).data).toEqual(expected);
  });

  it.each([
    [{ id: 7, type: 't' }, '"id" is not a string'],
    [{ id: { a: 1 }, type: 't' }, '"id" is not a string'],
    [{ id: 'x'.repeat(257), type: 't' }, '"id" is longer than 256 characters'],
    [{ id: '1' }, '"type" is missing or not a string'],
    [{ id: '1', type: '' }, '"type" is missing or not a string'],
    [{ id: '1', type: 5 }, '"type" is missing or not a string'],
    [{ id: '1', type: 'x'.repeat(257) }, '"type" is longer than 256 characters'],
    ['{"id":"\\ud800","type":"t"}', '"id" holds half a character'],
    ['{"id":"1","type":"\\udc00"}', '"type" holds half a character'],
    ['', 'the body is empty'],
    ['[]', 'the body is not a JSON object'],
    ['null', 'the body is not a JSON object'],
    ['"text"', 'the body is not a JSON object'],
    ['{"id":"1","type":"t",}', 'at line 1, column 22: a comma stands before "}"; take it out'],
    ['{"id":"\u0000","type":"t"}', 'at line 1, column 7: this text holds a character or an escape that JSON does not have'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'the body is not valid UTF-8'],
    [Buffer.from('{"type":"\xe9"}', 'latin1'), 'the body is not valid UTF-8'],
    ['['.repeat(100_000), 'the body is not valid JSON'],
  ])('cannot read %.40j: %s', (body, detail) => {
    expect(detailOf(body)).toContain(detail);
  });

  it('T47: does not quote the body', () => {
    expect(detailOf('{"token": canary}')).not.toContain('canary');
  });

  it('accepts ids of 256 characters and whole characters outside the first plane', () => {
    expect(decoded({ id: 'x'.repeat(256), type: '🚀' })).toMatchObject({ id: 'x'.repeat(256), type: '🚀' });
  });

  it('T17: reads past a byte order mark, numbers beyond 2^53, 1e400, repeated keys, NUL and half characters', () => {
    const body = '\uFEFF{"id":"0","id":"1","type":"t","data":{"big":9007199254740993,"huge":1e400,"nul":"\\u0000","half":"\\ud800"}}';
    expect(decoded(body)).toMatchObject({ id: '1', type: 't', data: { nul: '\u0000' } });
  });

  it('is not misled by names every object has', () => {
    const event = decoded(
      '{"id":"1","type":"t","data":{"__proto__":{"severity":"critical","clusterId":"x"},"constructor":"y"},"__proto__":{"created":"z"}}',
    );
    expect(event).toMatchObject({ severity: null, cluster: { id: null, name: null }, time: null });
    expect(detailOf('{"__proto__":{"id":"1","type":"t"}}')).toBe('"type" is missing or not a string');
    expect(({} as Record<string, unknown>)['severity']).toBeUndefined();
  });

  it('decodes or refuses any bytes and any JSON, and never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof decode(Buffer.from(bytes)).ok === 'boolean'));
    fc.assert(fc.property(fc.json(), (json) => typeof decode(Buffer.from(json)).ok === 'boolean'));
    const envelope = fc.record(
      { id: fc.anything(), type: fc.string({ minLength: 1, maxLength: 9 }), data: fc.jsonValue(), created: fc.jsonValue() },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(
        envelope.map((value) => toJson(value)),
        (json) => typeof decode(Buffer.from(json)).ok === 'boolean',
      ),
    );
  });
});

/** `fc.anything()` makes values that are no JSON: they are left out. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '{"type":"t"}';
  }
}
