import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { served, until, type Served } from './serve.js';

const EVENTS = 300;
const CONCURRENCY = 4;

const yaml = (well: HttpReceiver, hanging: HttpReceiver) => `
sources: { open: { path: /webhooks/castai, verify: { type: none }, format: castai-event } }
sinks:
  well: { type: http, url: "${well.url}" }
  hanging: { type: http, url: "${hanging.url}", timeout: 5m, concurrency: ${CONCURRENCY} }
routes: [{ to: [well, hanging] }]
`;

describe('T26: the built bridge with a sink that hangs', () => {
  let [well, hanging, bridge] = [] as unknown as [HttpReceiver, HttpReceiver, Served];
  beforeAll(async () => {
    [well, hanging] = [await startHttpReceiver(), await startHttpReceiver()];
    hanging.otherwise('hang');
    bridge = await served(yaml(well, hanging));
    await bridge.start();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([well.goAway(), hanging.goAway()]);
  });

  const post = async (n: number): Promise<void> => {
    const answer = await fetch(bridge.url, { method: 'POST', body: JSON.stringify({ id: `evt_${n}`, type: 'test' }) });
    expect(answer.status).toBe(200);
  };
  const listed = async (...args: string[]) => (await bridge.here('deliveries', '--json', '--limit', '1000', ...args)).out.split('\n').length - 1;

  it('delivers everything to the sink beside it, and answers every event, while not one send of the hanging one has ended', async () => {
    await post(0);
    await until(() => hanging.received.length === 1);
    for (let n = 1; n < EVENTS; n++) await post(n);
    await until(() => well.received.length === EVENTS);
    await until(async () => (await listed('--sink', 'well', '--state', 'delivered')) === EVENTS);
    // As many as it may send at once, and they are the first ones: none of them was given up for another.
    expect(hanging.received).toHaveLength(CONCURRENCY);
    expect(await listed('--sink', 'hanging', '--state', 'waiting')).toBe(EVENTS);
  });

  it('says what waits, and lists, without waiting for it', async () => {
    const metrics = await (await fetch(`${bridge.operations}/metrics`)).text();
    expect(metrics).toContain(`castbridge_deliveries_waiting{sink="hanging"} ${EVENTS}`);
    expect(await listed('--sink', 'none')).toBe(0);
  });
});
