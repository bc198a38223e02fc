import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, envelope, LIMITS, noConnections, post, rawConnection, signedHeaders, source, startIngress, wire } from './harness.js';

const FULL = envelope('full', { data: 'x'.repeat(LIMITS.bodyBytesMax) }).subarray(0, LIMITS.bodyBytesMax);
const CHUNKED_HEAD = 'POST /webhooks/castai HTTP/1.1\r\nhost: bridge\r\ntransfer-encoding: chunked\r\n\r\n';

function chunk(size: number): string {
  return `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
}

describe('T51: the size of a body', () => {
  it('may be the limit', async () => {
    const { port, store } = await startIngress();
    expect((await post(port, FULL)).status).toBe(422);
    expect(store.stored[0]?.body.length).toBe(LIMITS.bodyBytesMax);
  });

  it('is refused as soon as it is declared, before a byte of it was read', async () => {
    const { port, facts, store } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write(wire(Buffer.alloc(0), { 'content-length': LIMITS.bodyBytesMax + 1 }));
    socket.end();
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(answer).toContain('{"error":"The body is too large"}');
    expect(facts).toMatchObject([{ kind: 'refused', source: 'castai', reason: 'body_too_large', status: 413 }]);
    expect(store.calls).toBe(0);
  });

  it('is refused when a chunked body passes the limit, which need not end', async () => {
    const { port, store } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write(CHUNKED_HEAD + chunk(LIMITS.bodyBytesMax) + chunk(1));
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(store.calls).toBe(0);
  });

  it('is told to a sender that goes on sending, before the connection is closed', async () => {
    const { port } = await startIngress();
    const answer = await ask(port, Buffer.alloc(8 * 1_048_576, 'x'), { headers: { 'x-any': '1' } });
    expect(answer).toMatchObject({ status: 413, text: '{"error":"The body is too large"}' });
    expect(answer.headers.connection).toBe('close');
  });
});

describe('T51: the time of a request', () => {
  it('is bounded for a body that trickles', async () => {
    const { port, facts, store } = await startIngress({ limits: { ...LIMITS, bodyTimeoutMs: 100 } });
    const { socket, closed } = await rawConnection(port);
    socket.write(CHUNKED_HEAD);
    const trickle = setInterval(() => socket.write(chunk(1)), 10);
    const answer = await closed;
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('{"error":"The request took too long to arrive"}');
    expect(facts.filter((fact) => fact['source'] === 'castai')).toMatchObject([{ kind: 'refused', reason: 'timeout', status: 408 }]);
    expect(store.calls).toBe(0);
  });

  it.each([
    ['that trickle', 'POST /webhooks/castai HTTP/1.1\r\nhost: bri'],
    ['that never come', ''],
  ])('is bounded for headers %s', async (_, start) => {
    const { port, facts } = await startIngress({ limits: { ...LIMITS, headerTimeoutMs: 100 } });
    const { socket, closed } = await rawConnection(port);
    socket.write(start);
    expect(await closed).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*\{"error":"The request took too long to arrive"\}$/s);
    expect(facts).toMatchObject([{ kind: 'refused', reason: 'timeout', status: 408 }]);
  });
});

describe('T51: headers', () => {
  it('that are larger than the limit get 431', async () => {
    const { port, facts } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write(`POST /webhooks/castai HTTP/1.1\r\nhost: bridge\r\nx-large: ${'a'.repeat(100_000)}\r\n\r\n`);
    expect(await closed).toMatch(/^HTTP\/1\.1 431 .*\{"error":"The headers are too large"\}$/s);
    expect(facts).toMatchObject([{ kind: 'refused', reason: 'headers_too_large', status: 431 }]);
  });

  it.each([
    ['that are no HTTP', 'hello\r\n\r\n'],
    ['with two lengths', 'POST /webhooks/castai HTTP/1.1\r\nhost: b\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['with a length and chunks', 'POST /webhooks/castai HTTP/1.1\r\nhost: b\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['with a length that is no number', 'POST /webhooks/castai HTTP/1.1\r\nhost: b\r\ncontent-length: -5\r\n\r\n'],
    ['before a broken chunk', `${CHUNKED_HEAD}zz\r\n`],
  ])('%s get 400', async (_, bytes) => {
    const { port, store } = await startIngress();
    const { socket, closed } = await rawConnection(port);
    socket.write(bytes);
    expect(await closed).toMatch(/^HTTP\/1\.1 400 .*\{"error":"The request is not valid HTTP"\}$/s);
    expect(store.calls).toBe(0);
  });

  it('that are broken do not answer for the whole request before them', async () => {
    const harness = await startIngress();
    let open: () => void = () => undefined;
    harness.store.gate = new Promise((resolve) => (open = resolve));
    const { socket, closed } = await rawConnection(harness.port);
    socket.write(Buffer.concat([wire(envelope('1')), Buffer.from('garbage\r\n\r\n')]));
    expect(await closed).toBe('');
    open();
    await expect.poll(() => harness.store.stored.length).toBe(1);
  });
});

describe('T51: a compressed body', () => {
  const body = envelope('1', { data: 'compress me '.repeat(200) });
  const gzip = { sources: [source({ gzip: true })] };
  const headers = (signed: Buffer) => ({ ...signedHeaders(signed), 'content-encoding': 'gzip' });

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip', 'x'])('is refused where the source does not allow it: %s', async (encoding) => {
    const { port, store, facts } = await startIngress();
    const answer = await ask(port, gzipSync(body), { headers: { ...signedHeaders(body), 'content-encoding': encoding } });
    expect(answer.status).toBe(415);
    expect(answer.headers['accept-encoding']).toBe('identity');
    expect(store.calls).toBe(0);
    expect(facts).toMatchObject([{ kind: 'refused', reason: 'encoding', status: 415 }]);
  });

  it('in another encoding than gzip is refused everywhere', async () => {
    const { port } = await startIngress(gzip);
    expect((await ask(port, body, { headers: { 'content-encoding': 'br' } })).status).toBe(415);
  });

  it('that calls itself identity is none', async () => {
    const { port } = await startIngress();
    expect((await post(port, body, { 'content-encoding': 'identity' })).status).toBe(200);
  });

  it('is verified and stored as the JSON it holds, where the source allows it', async () => {
    const { port, store } = await startIngress(gzip);
    expect((await ask(port, gzipSync(body), { headers: headers(body) })).status).toBe(200);
    expect(store.stored[0]?.body.equals(body)).toBe(true);
  });

  it('is not authentic when the compressed bytes were signed', async () => {
    const { port } = await startIngress(gzip);
    expect((await ask(port, gzipSync(body), { headers: headers(gzipSync(body)) })).status).toBe(401);
  });

  it('is bounded by what it decompresses to', async () => {
    const { port, store } = await startIngress(gzip);
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576, 'x'));
    // Bounded before it is decompressed, too: this one fits.
    expect(bomb.length).toBeLessThan(70_000);
    const answer = await ask(port, gzipSync(Buffer.alloc(LIMITS.bodyBytesMax + 1, 'x')), { headers: headers(body) });
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
    expect((await ask(port, bomb, { headers: headers(body) })).status).toBe(413);
    expect(store.calls).toBe(0);
  });

  it.each([
    ['is no gzip', body],
    ['was cut short', gzipSync(body).subarray(0, 20)],
    ['is empty', Buffer.alloc(0)],
  ])('gets 400 when it %s', async (_, bytes) => {
    const { port } = await startIngress(gzip);
    expect(await ask(port, bytes, { headers: headers(body) })).toMatchObject({ status: 400, text: '{"error":"The body is not valid gzip"}' });
  });
});

it('T51: nothing holds a connection open after a refusal', async () => {
  const harness = await startIngress();
  const { socket, closed } = await rawConnection(harness.port);
  socket.write(CHUNKED_HEAD + chunk(LIMITS.bodyBytesMax + 1));
  await closed;
  await noConnections(harness);
});
