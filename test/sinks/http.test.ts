import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { retryAfterMs } from '../../src/core/retry-after.js';
import { sinkContract } from '../contract/sink.js';
import { startHttpReceiver, type Answer, type HttpReceiver } from '../receivers/http-receiver.js';
import { overHttp } from './http-contract.js';
import { configured, sent } from './sent.js';

const CANARY = 'canary-4f1d0c';

sinkContract('http', async () => {
  const receiver = await startHttpReceiver();
  const url = receiver.url.replace('://', `://user:${CANARY}-userinfo@`);
  return overHttp(receiver, {
    config: { type: 'http', url: `${url}/${CANARY}-path?token=${CANARY}-query`, headers: { authorization: `Bearer ${CANARY}-header` } },
    secrets: [CANARY],
    idHeader: 'castbridge-delivery-id',
  });
});

describe('http', () => {
  let receiver: HttpReceiver;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
  });
  afterAll(() => receiver.goAway());

  const http = (parts: object = {}) => ({ type: 'http', url: `${receiver.url}/hook`, ...parts });
  const answered = (answer: Answer, parts: object = {}, signal?: AbortSignal): Promise<Outcome | undefined> => {
    receiver.script(answer);
    return sent(http(parts), {}, signal);
  };
  const last = () => receiver.received.at(-1);

  describe('T02, T04: every status ends in exactly one of delivered, retry and rejected', () => {
    const REJECTED = [300, 301, 302, 303, 304, 307, 308, 400, 405, 406, 409, 411, 413, 414, 415, 421, 422, 431, 501, 505];
    const RETRIED = [
      401, 402, 403, 404, 407, 408, 410, 412, 416, 417, 418, 423, 424, 425, 426, 428, 429, 451, 500, 502, 503, 504, 506, 507, 508, 511, 599,
    ];
    it.each([
      ...[200, 201, 202, 203, 204, 205, 206, 207, 226, 299].map((status) => [status, 'delivered'] as const),
      ...REJECTED.map((status) => [status, 'rejected'] as const),
      ...RETRIED.map((status) => [status, 'retry'] as const),
    ])('%i is %s', async (status, kind) => {
      expect(await answered({ status, headers: { location: `${receiver.url}/elsewhere` } })).toMatchObject({
        kind,
        ...(kind === 'delivered' ? {} : { reason: `http_${status}` }),
      });
      expect(last()?.path).toBe('/hook');
    });

    it.each<[Answer, object]>([
      ['close-before-answer', { kind: 'retry', reason: 'closed' }],
      ['close-in-answer', { kind: 'retry', reason: 'closed' }],
      ['broken-chunk', { kind: 'retry', reason: 'broken_answer' }],
    ])('%s is a retry', async (answer, outcome) => {
      expect(await answered(answer)).toMatchObject(outcome);
    });

    it('a hang is a retry when the signal says so', async () => {
      expect(await answered('hang', {}, AbortSignal.timeout(50))).toMatchObject({ kind: 'retry', reason: 'timeout' });
    });

    it('410 says that nothing is wanted any more: the sink is held and pauses, and no event is a dead letter', async () => {
      expect(await answered({ status: 410, body: 'gone' })).toEqual({
        kind: 'retry',
        reason: 'http_410',
        answer: '410 gone',
        holdSink: true,
        pause: true,
      });
      expect(await answered({ status: 410 }, { rejectOn: [410] })).toEqual({ kind: 'rejected', reason: 'http_410', answer: '410' });
      expect(await answered({ status: 410 }, { rejectOn: ['4xx'] })).toMatchObject({ kind: 'rejected' });
      expect(await answered({ status: 410 }, { retryOn: [410] })).toEqual({ kind: 'retry', reason: 'http_410', answer: '410', holdSink: false });
      expect(await answered({ status: 429 })).not.toHaveProperty('pause');
    });

    it.each([
      [200, { retryOn: [200] }, 'retry'],
      [202, { retryOn: [202] }, 'retry'],
      [204, { rejectOn: [204] }, 'rejected'],
      [302, { retryOn: ['3xx'] }, 'retry'],
      [409, { retryOn: ['4xx'] }, 'retry'],
      [409, { retryOn: ['409'] }, 'retry'],
      [404, { rejectOn: [404] }, 'rejected'],
      [404, { rejectOn: ['4xx'] }, 'rejected'],
      [503, { rejectOn: ['5xx'] }, 'rejected'],
      [501, { retryOn: ['5xx'] }, 'retry'],
      // A status goes before its class, whichever list it is in.
      [400, { retryOn: ['4xx'], rejectOn: [400] }, 'rejected'],
      [409, { retryOn: ['4xx'], rejectOn: [400] }, 'retry'],
      [404, { rejectOn: ['4xx'], retryOn: [404] }, 'retry'],
      [401, { rejectOn: ['4xx'], retryOn: [404] }, 'rejected'],
      [503, { rejectOn: ['4xx'], retryOn: [404] }, 'retry'],
    ])('the YAML moves statuses and classes from one to another: %i with %j is %s', async (status, parts, kind) => {
      expect(await answered({ status }, parts)).toMatchObject({ kind });
    });

    it.each([
      [{ retryOn: [404], rejectOn: [404] }, 'sinks.out.rejectOn[0]: 404 stands in `retryOn` too'],
      [{ retryOn: [404, '5xx'], rejectOn: [400, '5xx'] }, 'sinks.out.rejectOn[1]: 5xx stands in `retryOn` too'],
      [{ retryOn: ['404'], rejectOn: [404] }, 'sinks.out.rejectOn[0]: 404 stands in `retryOn` too'],
      [{ retryOn: [100] }, 'sinks.out.retryOn[0]'],
      [{ rejectOn: ['1xx'] }, 'sinks.out.rejectOn[0]'],
    ])('%j is a mistake', (parts, told) => {
      expect(() => configured(http(parts))).toThrow(told);
    });
  });

  describe('T52: a hostile answer', () => {
    it('is read no further than its limit, and its connection is closed', async () => {
      const { open, message } = configured(http());
      const opened = open();
      for (let time = 0; time < 50; time++) {
        receiver.script('endless-body');
        const [outcome] = await opened.send([message()], new AbortController().signal);
        expect(outcome).toMatchObject({ kind: 'delivered' });
        expect(outcome?.answer.length).toBeLessThanOrEqual(66_000);
      }
      await expect.poll(() => receiver.connections()).toBe(0);
      await opened.close();
    });

    it('that never ends is given up when the signal says so, and its connection is closed', async () => {
      const { open, message } = configured(http());
      const opened = open();
      receiver.script('slow-body');
      expect(await opened.send([message()], AbortSignal.timeout(50))).toMatchObject([{ kind: 'retry', reason: 'timeout' }]);
      await expect.poll(() => receiver.connections()).toBe(0);
      await opened.close();
    });

    it.each([
      ['7', 7_000],
      [' 7 ', 7_000],
      ['-5', undefined],
      ['1e30', undefined],
      ['0x10', undefined],
      ['soon', undefined],
      ['99999999999999999999', undefined],
      ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ])('Retry-After %j asks for %s ms', async (value, afterMs) => {
      const outcome = await answered({ status: 503, headers: { 'retry-after': value } });
      expect(outcome).toMatchObject({ kind: 'retry', holdSink: afterMs !== undefined });
      expect(outcome !== undefined && 'afterMs' in outcome ? outcome.afterMs : undefined).toBe(afterMs);
    });

    it('a Retry-After of any text is nothing, or a number from 0 on', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.double().map(String)), (text) => {
          const afterMs = retryAfterMs(text, 1_768_000_000_000);
          expect(afterMs === undefined || (Number.isFinite(afterMs) && afterMs >= 0)).toBe(true);
        }),
      );
    });

    it('holds the sink as a whole after 429', async () => {
      expect(await answered({ status: 429 })).toMatchObject({ kind: 'retry', holdSink: true });
    });
  });

  describe('a request', () => {
    it('is the received bytes as JSON, with the delivery’s headers', async () => {
      await sent(http(), { id: 'evt_é\n', type: 'test' });
      expect(last()?.headers).toMatchObject({
        'content-type': 'application/json',
        'castbridge-event-id': 'evt_%C3%A9%0A',
        'castbridge-delivery-id': `1-0badcafe.${Buffer.from('evt_é\n').toString('hex')}`,
        'castbridge-source': 'castai',
        'castbridge-type': 'test',
        'castbridge-received-at': '2026-01-12T09:24:07.000Z',
      });
    });

    it('goes where braces in the URL say, each value encoded', async () => {
      await sent(http({ url: `${receiver.url}/hooks/{event.type}?cluster={event.cluster.name}`, method: 'PUT' }), {
        type: '../admin?x=1#',
        cluster: { id: null, name: 'a&b' },
      });
      expect(last()).toMatchObject({ method: 'PUT', path: '/hooks/..%2Fadmin%3Fx%3D1%23?cluster=a%26b' });
    });

    it('carries computed headers, and refuses to render one that would inject another', async () => {
      const sink = http({ headers: { 'X-Cluster': 'in {event.cluster.name}' } });
      await sent(sink);
      expect(last()?.headers['x-cluster']).toBe('in prod-eu-1');
      expect(() => configured(sink).message({ cluster: { id: null, name: 'a\r\nx-injected: 1' } })).toThrow('line end');
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is a %s, where the YAML says so, or an event does', async (method) => {
      await sent(http({ method }));
      await sent(http({ method: '{event.type}' }), { type: method });
      expect(receiver.received.slice(-2).map((one) => [one.method, one.body.toString()])).toEqual(
        Array(2).fill([method, expect.stringContaining('evt_1')]),
      );
    });

    it.each(['GET', 'post', '', 'PUT x', 'CONNECT'])('is none where an event chooses the method %j', (type) => {
      expect(() => configured(http({ method: '{event.type}' })).message({ type })).toThrow('it must be POST, PUT, PATCH or DELETE');
    });

    it.each(['GET', 'post', 'HEAD'])('of the method %s cannot be configured', (method) => {
      expect(() => configured(http({ method }))).toThrow('sinks.out.method');
    });

    it('turns user and password of the URL into basic authentication', async () => {
      await sent(http({ url: `${receiver.url.replace('://', '://us%40er:p%3Ass@')}/hook` }));
      expect(last()?.headers['authorization']).toBe(`Basic ${Buffer.from('us@er:p:ss').toString('base64')}`);
      await sent(http({ url: `${receiver.url.replace('://', '://:100%25%zz@')}/hook` }));
      expect(last()?.headers['authorization']).toBe(`Basic ${Buffer.from(':100%25%zz').toString('base64')}`);
    });
  });

  describe('T50: the path of a URL', () => {
    it.each([
      ['/castai/{event.type}/x', '..'],
      ['/castai/{event.type}/x', '.'],
      ['/castai/{event.type}', '..'],
      ['/castai/{event.type}?a=b', '..'],
      ['/castai/{event.type}#a', '..'],
      ['/castai/.{event.type}/x', '.'],
      ['/castai/.{event.type}/x', ''],
      ['/castai/.{event.type}', ''],
      ['/castai/%2e{event.type}/x', '.'],
      ['/castai/%2E{event.type}%2e/x', ''],
      ['/castai/{event.source}/{event.type}/x', '..'],
      ['/castai/a\\{event.type}/x', '..'],
    ])('%s is not rendered where the type is %j', (path, type) => {
      expect(() => configured(http({ url: `${receiver.url}${path}` })).message({ type })).toThrow('would lead elsewhere');
    });

    it.each(['...', '%2e%2e', '..;', '/../', '..\\..', ' ..', '\t..'])('keeps its beginning where the type is %j', async (type) => {
      expect(await sent(http({ url: `${receiver.url}/castai/{event.type}/x` }), { type })).toMatchObject({ kind: 'delivered' });
      expect(last()?.path).toBe(`/castai/${encodeURIComponent(type)}/x`);
    });

    it('may hold ".." where nothing is computed, and in a query', async () => {
      await sent(http({ url: `${receiver.url}/a/../b` }));
      expect(last()?.path).toBe('/b');
      await sent(http({ url: `${receiver.url}/a/../b/{event.type}?x={event.type}/..` }), { type: 'test' });
      expect(last()?.path).toBe('/b/test?x=test/..');
      await sent(http({ url: `${receiver.url}/b?x=/{event.type}` }), { type: '..' });
      expect(last()?.path).toBe('/b?x=/..');
    });
  });

  it.each(['host', 'Content-Length', 'castbridge-event-id', 'transfer-encoding', 'a b'])('a header %j cannot be configured', (name) => {
    expect(() => configured(http({ headers: { [name]: 'x' } }))).toThrow(`sinks.out.headers.${name}`);
  });

  it('is a retry where it is closed while a request is under way', async () => {
    const { open, message } = configured(http());
    const opened = open();
    receiver.script('hang');
    const before = receiver.received.length;
    const sending = opened.send([message()], AbortSignal.timeout(5_000));
    await expect.poll(() => receiver.received.length).toBe(before + 1);
    await opened.close();
    expect(await sending).toMatchObject([{ kind: 'retry' }]);
    await expect.poll(() => receiver.connections()).toBe(0);
  });

  it('a name that does not resolve is a retry that holds the sink', async () => {
    expect(await sent({ type: 'http', url: 'http://no-such-host.invalid/' })).toMatchObject({ kind: 'retry', reason: 'dns', holdSink: true });
  });
});
