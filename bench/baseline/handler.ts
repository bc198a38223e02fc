// What is written by hand in the place of a bridge: verify, `SET NX` in Redis against duplicates, post it on, and answer when it has arrived.
import express from 'express';
import { createClient } from 'redis';
import { isAuthentic, required } from './verify.js';

const DEDUP_S = 86_400;
const SINK_TIMEOUT_MS = 10_000;
const secret = required('SECRET');
const sinkUrl = required('SINK_URL');

const redis = createClient({ url: required('REDIS_URL') });
redis.on('error', (error) => console.error(error));
await redis.connect();

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/webhooks/castai', express.raw({ type: 'application/json', limit: '1mb' }), async (request, response) => {
  const body: unknown = request.body;
  if (!Buffer.isBuffer(body)) {
    response.status(415).json({ error: 'No JSON' });
    return;
  }
  if (!isAuthentic(secret, request.headers, body)) {
    response.status(401).json({ error: 'Invalid signature' });
    return;
  }
  const { id } = JSON.parse(body.toString()) as { id: string };
  const key = `webhook:${id}`;
  if ((await redis.set(key, '1', { condition: 'NX', expiration: { type: 'EX', value: DEDUP_S } })) === null) {
    response.json({ received: true, duplicate: true });
    return;
  }
  if (await forwarded(body)) {
    response.json({ received: true });
    return;
  }
  // The sender posts it again, and it must not be taken for a duplicate then.
  await redis.del(key);
  response.status(502).json({ error: 'Not delivered' });
});
app.listen(Number(required('PORT')), '127.0.0.1');

async function forwarded(body: Buffer): Promise<boolean> {
  try {
    const answer = await fetch(sinkUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.length),
      signal: AbortSignal.timeout(SINK_TIMEOUT_MS),
    });
    // Read to its end, or the connection is not used again.
    await answer.arrayBuffer();
    return answer.ok;
  } catch (error) {
    console.error(error);
    return false;
  }
}
