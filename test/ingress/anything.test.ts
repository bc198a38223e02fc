import fc from 'fast-check';
import { expect, it } from 'vitest';
import { none } from '../../src/sources/verify/none.js';
import { ask, DEDUP, envelope, post, rawConnection, signedHeaders, source, startIngress } from './harness.js';

/** What an HTTP header value may hold. */
const headerValue = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 80,
});
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const body = fc.oneof(
  bytes,
  fc.json().map((json) => Buffer.from(json)),
  fc.jsonValue().map((data) => envelope('evt_1', { data })),
);

const OURS = [401, 422, 200];

it('T44: any headers and any bytes are answered 200, 401 or 422', async () => {
  const open = source({ name: 'open', path: '/open', verify: none.prepare({}, () => undefined), dedup: { ...DEDUP, missingId: 'hash' } });
  const { port } = await startIngress({ sources: [source(), open] });
  const headers = fc.record(
    { 'x-castai-signature': headerValue, 'x-castai-timestamp': headerValue, 'content-type': headerValue, 'x-any': headerValue },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(headers, body, fc.constantFrom('/webhooks/castai', '/open'), fc.boolean(), async (odd, bytes, path, sign) => {
      const answer = await ask(port, bytes, { path, headers: sign ? { ...odd, ...signedHeaders(bytes) } : odd });
      expect(OURS).toContain(answer.status);
      expect(JSON.parse(answer.text)).toBeTypeOf('object');
    }),
    { numRuns: 300 },
  );
});

it('T44: any bytes on a connection never get 5xx, and the next request is served', async () => {
  const { port, logged } = await startIngress();
  const piece = fc.oneof(
    bytes.map((random) => random.toString('latin1')),
    fc.constantFrom(
      'POST ',
      'GET ',
      '/webhooks/castai',
      ' HTTP/1.1\r\n',
      '\r\n',
      '\r\n\r\n',
      'host: b\r\n',
      'content-length: 5\r\n',
      'hello',
      '0\r\n\r\n',
      '5\r\nhello\r\n',
    ),
    fc.constantFrom(
      'transfer-encoding: chunked\r\n',
      'expect: 100-continue\r\n',
      'expect: x\r\n',
      'upgrade: websocket\r\nconnection: upgrade\r\n',
      'content-encoding: gzip\r\n',
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const { socket, closed } = await rawConnection(port);
      socket.end(Buffer.from(pieces.join(''), 'latin1'));
      expect(await closed).not.toMatch(/^HTTP\/1\.1 5/m);
    }),
    { numRuns: 300 },
  );
  expect((await post(port, envelope('1'))).status).toBe(200);
  expect(logged).toEqual([]);
});
