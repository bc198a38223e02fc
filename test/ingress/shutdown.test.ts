import { Agent } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { ask, envelope, noConnections, post, rawConnection, signedHeaders, startIngress, wire } from './harness.js';

it('T19: a request that arrives during shutdown gets 503 and a closed connection', async () => {
  const { port, ingress, store, facts } = await startIngress();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const body = envelope('1');
  const before = await ask(port, body, { headers: signedHeaders(body), agent });
  expect(before).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });

  await ingress.drain();
  const answer = await ask(port, envelope('2'), { headers: signedHeaders(envelope('2')), agent });
  expect(answer).toMatchObject({ status: 503, text: '{"error":"Shutting down; send it again"}' });
  expect(answer.headers.connection).toBe('close');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(store.stored).toHaveLength(1);
  expect(facts.at(-1)).toMatchObject({ kind: 'refused', reason: 'shutting_down', status: 503 });
});

it('T19: requests under way are finished, and drain waits for them', async () => {
  const { port, ingress, store } = await startIngress();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => (open = resolve));
  const answer = post(port, envelope('1'));
  await expect.poll(() => store.calls).toBe(1);
  let drained = false;
  const drain = ingress.drain().then(() => (drained = true));
  expect((await post(port, envelope('2'))).status).toBe(503);
  expect(drained).toBe(false);
  open();
  await drain;
  await ingress.close();
  expect(await answer).toMatchObject({ status: 200, text: '{"received":true}', headers: { connection: 'close' } });
});

it('close ends idle connections and those in the middle of a request, and nobody can connect any more', async () => {
  const harness = await startIngress();
  const idle = await rawConnection(harness.port);
  idle.socket.write(wire(envelope('1')));
  await expect.poll(() => idle.received()).toContain('{"received":true}');
  const halfway = await rawConnection(harness.port);
  halfway.socket.write(wire(envelope('2')).subarray(0, 100));
  await harness.ingress.close();
  await idle.closed;
  await halfway.closed;
  await noConnections(harness);
  await expect(post(harness.port, envelope('3'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
