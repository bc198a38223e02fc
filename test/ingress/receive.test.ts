import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Owed } from '../../src/core/store.js';
import type { Format } from '../../src/core/source.js';
import { castaiEvent } from '../../src/sources/format/castai-event.js';
import { castai, signCastai } from '../../src/sources/verify/castai.js';
import { ask, DEDUP, envelope, type Harness, NOW_MS, OWES, post, SECRETS, signedHeaders, source, startIngress } from './harness.js';

const RECEIVED = '{"received":true}';

function refusals({ facts }: Harness): unknown[] {
  return facts.filter((fact) => fact.kind === 'refused').map(({ source, reason, status }) => ({ source, reason, status }));
}

describe('an authentic event', () => {
  it('is stored with what it owes, answered 200, and handed over', async () => {
    const harness = await startIngress();
    const body = envelope('evt_1', { data: { severity: 'ERROR', cluster: { name: 'prod-eu-1' } } });
    const answer = await post(harness.port, body);

    expect(answer).toMatchObject({ status: 200, text: RECEIVED });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const arrival = {
      source: 'castai',
      format: 'castai-event',
      key: 'id:evt_1',
      id: 'evt_1',
      type: 'resource.created',
      receivedMs: NOW_MS,
      body,
      headers: {},
      dedupWindowMs: DEDUP.windowMs,
      owes: OWES,
    };
    expect(harness.store.stored).toEqual([arrival]);
    expect(harness.handedOver).toEqual([{ event: expect.objectContaining({ uid: 'uid-1', id: 'evt_1', body }) as unknown, owes: OWES }]);
    expect(harness.routed).toMatchObject([
      { id: 'evt_1', source: 'castai', severity: 'error', cluster: { id: null, name: 'prod-eu-1' }, receivedAt: '2026-01-12T09:24:07.000Z' },
    ]);
    expect(harness.facts).toEqual([
      { kind: 'secretUsed', source: 'castai', secretIndex: 0 },
      { kind: 'accepted', source: 'castai', type: 'resource.created', id: 'evt_1', uid: 'uid-1', deliveries: 1, durationMs: 0 },
    ]);
  });

  it.each([
    [
      'numbers beyond 2^53, 1e400, repeated keys and odd spaces',
      '{"id":"1", "id":"1","type":"t","data":{"n":9007199254740993,"h":1e400,"h":-0.0}}\r\n\t',
    ],
    ['a byte order mark', '\uFEFF{"id":"1","type":"t"}'],
    ['NUL, half characters and __proto__', '{"id":"1","type":"t","data":{"a":"\\u0000","b":"\\ud800","__proto__":{"c":1}}}'],
    ['characters outside the first plane', '{"id":"1","type":"t","data":"🚀é"}'],
  ])('T17: with %s is stored byte for byte', async (_, text) => {
    const { port, store, handedOver } = await startIngress();
    const body = Buffer.from(text);
    expect((await post(port, body)).status).toBe(200);
    expect(store.stored[0]?.body.equals(body)).toBe(true);
    expect(handedOver[0]?.event.body.equals(body)).toBe(true);
  });

  it('T17: that arrives byte by byte, chunked, is stored as a whole', async () => {
    const { port, store } = await startIngress();
    const body = envelope('evt_1');
    const answer = await fetch(`http://127.0.0.1:${port}/webhooks/castai`, {
      method: 'POST',
      headers: signedHeaders(body),
      body: new ReadableStream({
        start(controller) {
          for (const byte of body) controller.enqueue(Uint8Array.of(byte));
          controller.close();
        },
      }),
      duplex: 'half',
    });
    expect(answer.status).toBe(200);
    expect(store.stored[0]?.body.equals(body)).toBe(true);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense', 'application/json; charset=utf-16'])(
    'is taken with the content type %s',
    async (contentType) => {
      const { port } = await startIngress();
      expect(await post(port, envelope('1'), { 'content-type': contentType })).toMatchObject({ status: 200, text: RECEIVED });
    },
  );

  it('that is sent again is answered 200, and handed over once', async () => {
    const harness = await startIngress();
    const body = envelope('evt_1');
    await post(harness.port, body);
    expect(await post(harness.port, body)).toMatchObject({ status: 200, text: '{"received":true,"duplicate":true}' });
    expect(harness.handedOver).toHaveLength(1);
    expect(harness.facts.at(-1)).toEqual({ kind: 'duplicate', source: 'castai', type: 'resource.created', id: 'evt_1' });
  });

  it.each(['constructor', '__proto__', 'toString', 'undefined', 'null'])('may have the id and the type "%s"', async (name) => {
    const { port, store } = await startIngress();
    expect(await post(port, envelope(name, { type: name }))).toMatchObject({ status: 200, text: RECEIVED });
    expect(store.stored).toMatchObject([{ id: name, type: name, key: `id:${name}` }]);
  });

  it('that no row matches is stored, answered 200, and told of', async () => {
    const owes: readonly Owed[] = [{ state: 'dead', route: null, sink: null, reason: 'unrouted', detail: 'no row matched' }];
    const { port, store, facts } = await startIngress({ route: () => owes });
    expect((await post(port, envelope('1'))).status).toBe(200);
    expect(store.stored[0]?.owes).toEqual(owes);
    expect(facts).toContainEqual({
      kind: 'misrouted',
      source: 'castai',
      type: 'resource.created',
      id: '1',
      uid: 'uid-1',
      reason: 'unrouted',
      detail: 'no row matched',
    });
    expect(facts).toContainEqual(expect.objectContaining({ kind: 'accepted', deliveries: 0 }));
  });

  it('T46: may be signed with either of two secrets, and which one is told', async () => {
    const { port, facts } = await startIngress();
    for (const [index, secret] of SECRETS.entries()) {
      const body = envelope(`evt_${index}`);
      expect((await ask(port, body, { headers: signedHeaders(body, secret) })).status).toBe(200);
    }
    expect(facts.filter((fact) => fact.kind === 'secretUsed').map((fact) => fact['secretIndex'])).toEqual([0, 1]);
  });
});

describe('a request that is not authentic', () => {
  const body = envelope('evt_1');
  const right = signedHeaders(body);
  const seconds = NOW_MS / 1000;
  const at = (timestamp: number) => ({
    'x-castai-timestamp': String(timestamp),
    'x-castai-signature': signCastai(SECRETS[0] ?? '', timestamp, body),
  });

  it.each<[string, Record<string, string | string[]>]>([
    ['without headers', {}],
    ['without a timestamp', { 'x-castai-signature': right['x-castai-signature'] ?? '' }],
    ['with an empty signature', { ...right, 'x-castai-signature': '' }],
    ['with a signature in upper case', { ...right, 'x-castai-signature': (right['x-castai-signature'] ?? '').toUpperCase() }],
    ['with a signature of odd length', { ...right, 'x-castai-signature': 'abc' }],
    ['with a signature that is not hex', { ...right, 'x-castai-signature': 'é'.repeat(64) }],
    ['with a signature of 64 KB', { ...right, 'x-castai-signature': 'a'.repeat(65_536) }],
    ['with the signature sent twice', { ...right, 'x-castai-signature': [right['x-castai-signature'] ?? '', right['x-castai-signature'] ?? ''] }],
    ['with the timestamp sent twice', { ...right, 'x-castai-timestamp': [String(seconds), String(seconds)] }],
    ['signed with another secret', signedHeaders(body, 'another secret of some length')],
    ['signed for another body', signedHeaders(envelope('evt_2'))],
    ['that is too old', at(seconds - 301)],
    ['T45: from further in the future than is tolerated', at(seconds + 31)],
    ['with a timestamp that is no number', { ...right, 'x-castai-timestamp': 'yesterday' }],
  ])('T44: %s gets 401 and the same text as all others, and is not stored', async (_, headers) => {
    const harness = await startIngress();
    const answer = await ask(harness.port, body, { headers });
    expect(answer).toMatchObject({ status: 401, text: '{"error":"Invalid signature"}' });
    expect(harness.store.calls).toBe(0);
    expect(harness.facts).toHaveLength(1);
    expect(refusals(harness)).toEqual([{ source: 'castai', reason: 'signature', status: 401 }]);
    expect(harness.facts[0]?.['detail']).toMatch(/\S/);
  });

  it('T43: is not parsed', async () => {
    let decoded = 0;
    const decode: Format['decode'] = (...came) => {
      decoded += 1;
      return castaiEvent.bare.decode(...came);
    };
    const { port } = await startIngress({ sources: [source({ format: { ...castaiEvent.bare, decode } })] });
    expect((await ask(port, body)).status).toBe(401);
    expect(decoded).toBe(0);
    expect((await post(port, body)).status).toBe(200);
    expect(decoded).toBe(1);
  });

  it('T42: is what every request is, to a source whose secrets are all empty', async () => {
    const verify = castai.prepare({ secrets: [''], tolerance: 300_000, futureTolerance: 30_000 }, () => undefined);
    const { port } = await startIngress({ sources: [source({ verify })] });
    expect((await post(port, body)).status).toBe(401);
  });
});

describe('an authentic body that cannot be read', () => {
  it.each([
    ['no JSON', '{"Name": "a "quoted" name"}', /^the body is not valid JSON/],
    ['no object', '[1]', /^the body is not a JSON object$/],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /^the body is not valid UTF-8$/],
    ['without a type', '{"id":"1"}', /^"type" is missing/],
  ])('%s: is kept as a dead letter, and answered 422 with one line', async (_, text, line) => {
    const harness = await startIngress();
    const body = Buffer.from(text);
    const answer = await post(harness.port, body);
    expect(answer.status).toBe(422);
    const { error } = JSON.parse(answer.text) as { error: string };
    expect(error).toMatch(line);
    const dead = { state: 'dead', route: null, sink: null, reason: 'undecodable', detail: error };
    expect(harness.store.stored).toMatchObject([{ id: '', type: '', key: `undecodable:${sha256(body)}`, body, owes: [dead] }]);
    expect(refusals(harness)).toEqual([{ source: 'castai', reason: 'undecodable', status: 422 }]);
    expect(harness.routed).toEqual([]);
  });

  it('is kept once, however often it is sent', async () => {
    const { port, store } = await startIngress();
    for (let time = 0; time < 3; time++) expect((await post(port, Buffer.from('oops'))).status).toBe(422);
    expect(store.stored).toHaveLength(1);
  });

  it('T09: without an id is refused, kept, and no duplicate of another one', async () => {
    const harness = await startIngress();
    const bodies = [Buffer.from('{"type":"a"}'), Buffer.from('{"type":"b","id":null}'), Buffer.from('{"type":"c","id":""}')];
    for (const body of bodies)
      expect(await post(harness.port, body)).toMatchObject({ status: 422, text: '{"error":"the id of the event is missing or empty"}' });
    expect(harness.store.stored.map((arrival) => arrival.body)).toEqual(bodies);
    expect(harness.store.stored.every((arrival) => arrival.id === '' && arrival.owes[0]?.state === 'dead')).toBe(true);
    expect(refusals(harness)).toEqual(bodies.map(() => ({ source: 'castai', reason: 'missing_id', status: 422 })));
  });

  it('T09: without an id is known by its hash where the source says so', async () => {
    const { port, store } = await startIngress({ sources: [source({ dedup: { ...DEDUP, missingId: 'hash' } })] });
    const [one, other] = [Buffer.from('{"type":"a"}'), Buffer.from('{"type":"b"}')];
    expect((await post(port, one)).text).toBe(RECEIVED);
    expect((await post(port, other)).text).toBe(RECEIVED);
    expect((await post(port, one)).text).toBe('{"received":true,"duplicate":true}');
    expect(store.stored).toMatchObject([
      { id: `sha256:${sha256(one)}`, key: `sha256:${sha256(one)}`, owes: OWES },
      { id: `sha256:${sha256(other)}`, owes: OWES },
    ]);
  });

  it('T09: cannot be pushed out by an event whose id looks like its hash', async () => {
    const { port } = await startIngress({ sources: [source({ dedup: { ...DEDUP, missingId: 'hash' } })] });
    const body = Buffer.from('{"type":"a"}');
    expect((await post(port, envelope(`sha256:${sha256(body)}`))).text).toBe(RECEIVED);
    expect((await post(port, body)).text).toBe(RECEIVED);
  });
});

function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
