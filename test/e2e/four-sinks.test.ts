import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyBrokers, describeAnyKafka, START_MS } from '../kafka/suite.js';
import { createTopic, tapTopic, type Tap } from '../kafka/topics.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { postSigned, served, until, type Served } from './serve.js';

const SECRET = randomBytes(24).toString('hex');

const yaml = (brokers: string[], topic: string, slack: SlackStandIn, inventory: HttpReceiver, strict: HttpReceiver) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  screen: { type: console }
  events: { type: kafka, brokers: ${JSON.stringify(brokers)}, topic: "${topic}", key: event.cluster.id }
  ops: { type: slack, webhookUrl: "${slack.webhookUrl}", text: "{{ event.id }}", pace: 500/s, digest: { after: 0 } }
  inventory: { type: http, url: "${inventory.url}/castai/{event.type}", retry: { initial: 20ms, max: 100ms } }
  strict: { type: http, url: "${strict.url}" }
routes:
  - { name: archive, match: { type: "resource.*" }, to: [screen, events, inventory] }
  - { name: page, where: 'event.severity == "critical"', to: [ops] }
  - { name: audit, match: { type: resource.deleted }, to: [strict] }
`;

/** One arrival at a sink. */
interface Arrival {
  readonly id: string;
  readonly deliveryId: string;
  readonly hash: string;
}

describeAnyKafka('the built bridge with all four sinks', () => {
  /** Bodies that were acknowledged, by the event's id. */
  const acknowledged = new Map<string, Buffer>();
  let [inventory, strict, slack, tap, bridge] = [] as unknown as [HttpReceiver, HttpReceiver, SlackStandIn, Tap, Served];

  beforeAll(async () => {
    const brokers = await anyBrokers();
    const topic = await createTopic(brokers, 3);
    tap = await tapTopic(brokers, topic);
    [inventory, strict, slack] = [await startHttpReceiver(), await startHttpReceiver(), await startSlackStandIn()];
    strict.otherwise({ status: 422, body: 'unknown cluster' });
    bridge = await served(yaml(brokers, topic, slack, inventory, strict));
    await bridge.start();
  }, START_MS);
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([inventory.goAway(), strict.goAway(), slack.goAway(), tap.close()]);
  });

  /** Posts an event, and writes it down when it was acknowledged. True: seen before. */
  const post = async (n: number, id = `evt_${n}`): Promise<boolean> => {
    const type = ['resource.created', 'resource.updated', 'resource.deleted'][n % 3];
    const data = { clusterId: `c-${n % 5}`, severity: n % 4 === 0 ? 'CRITICAL' : 'info', big: 9007199254740993n.toString(), n };
    const body = Buffer.from(JSON.stringify({ id, type, data, created: '2026-01-12T09:24:07Z' }).replace('"9007199254740993"', '9007199254740993'));
    const answer = await postSigned(bridge.url, SECRET, body);
    expect(answer.status).toBe(200);
    acknowledged.set(id, body);
    return answer.body.includes('"duplicate":true');
  };
  const settled = () => until(async () => (await bridge.here('deliveries', '--state', 'waiting', '--json')).out === '');

  it('what `trigger` posts arrives everywhere', async () => {
    const { code, out } = await bridge.here('trigger', 'resource.created', '--count', '50', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([0, { sent: 50, statuses: { 200: 50 }, duplicates: 0 }]);
    await settled();
    expect(new Set((await tap.records()).map((record) => record.headers['castbridge-event-id'])).size).toBe(50);
    for (const { headers, body } of inventory.received) acknowledged.set(String(headers['castbridge-event-id']), body);
    expect(acknowledged.size).toBe(50);
  });

  it('a sink that fails twice gets it the third time; duplicates and tampered bodies reach no sink', async () => {
    inventory.script({ status: 503 }, 'close-before-answer');
    expect(await post(1)).toBe(false);
    expect(await post(1)).toBe(true);
    expect((await postSigned(bridge.url, SECRET, Buffer.from('{"id":"evt_forged","type":"resource.created"}'), ' ')).status).toBe(401);
    await settled();
    expect(inventory.received.filter((request) => request.headers['castbridge-event-id'] === 'evt_1')).toHaveLength(3);
  });

  it('T10: kill -9 in the middle, and a start', async () => {
    let posted = 0;
    const posting = Promise.allSettled(
      Array.from({ length: 16 }, async () => {
        while (posted < 1_000) await post(100 + posted++);
      }),
    );
    await until(() => acknowledged.size > 300);
    await bridge.kill();
    await posting;
    expect(acknowledged.size).toBeLessThan(1_051);
    await bridge.start();
    for (let n = 2_000; n < 2_020; n++) await post(n);
    await settled();
  }, 120_000);

  it('every acknowledged event reached every sink it was routed to, byte for byte, and nothing else did', async () => {
    const records = (await tap.records()).map(({ headers, value }) => arrival(headers, value ?? Buffer.alloc(0)));
    const requests = inventory.received.map(({ headers, body }) => arrival(headers, body));
    const refused = strict.received.map(({ headers, body }) => arrival(headers, body));
    const ids = [...acknowledged.keys()];
    const parsed = (id: string) => JSON.parse(acknowledged.get(id)?.toString() ?? '') as { type: string; data: { severity?: string } };

    for (const arrivals of [records, requests]) expect(missing(ids, arrivals)).toEqual([]);
    expect(
      missing(
        ids.filter((id) => parsed(id).type === 'resource.deleted'),
        refused,
      ),
    ).toEqual([]);
    const pages = ids.filter((id) => parsed(id).data.severity === 'CRITICAL');
    expect(pages.filter((id) => !slack.posted.some(({ text }) => text === id))).toEqual([]);
    expect(ids.filter((id) => !bridge.output.stdout.includes(`"id":"${id}"`))).toEqual([]);

    for (const { id, hash } of [...records, ...requests, ...refused]) {
      // What was posted while it was killed may be on disk without an answer: it is no invention.
      const body = acknowledged.get(id);
      if (body !== undefined) expect(hash).toBe(hashOf(body));
      else expect(id).toMatch(/^evt_\d+$/);
    }
    // One delivery id for an event at a sink, however often it was sent.
    for (const arrivals of [records, requests, refused]) {
      const pairs = new Set(arrivals.map(({ id, deliveryId }) => `${id} ${deliveryId}`));
      expect(pairs.size).toBe(new Set(arrivals.map(({ id }) => id)).size);
    }
  });

  it('what the strict sink refused is dead, replayed, and then delivered', async () => {
    const dead = async () =>
      (await bridge.here('deliveries', '--state', 'dead', '--limit', '5000', '--json')).out.split('\n').filter((line) => line !== '');
    const before = await dead();
    expect(before.length).toBe(new Set(strict.received.map(({ headers }) => headers['castbridge-delivery-id'])).size);
    for (const line of before) expect(JSON.parse(line)).toMatchObject({ sink: 'strict', reason: 'http_422', detail: '422 unknown cluster' });
    strict.otherwise({ status: 204 });
    expect(await bridge.here('replay', '--sink', 'strict', '--state', 'dead')).toMatchObject({
      code: 0,
      out: `${before.length} deliveries wait again\n`,
    });
    await settled();
    expect(await dead()).toEqual([]);
  });

  it('T47: the secret is in nothing it wrote', () => {
    expect(bridge.output.stdout + bridge.output.stderr).not.toContain(SECRET);
  });
});

function arrival(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer): Arrival {
  return { id: String(headers['castbridge-event-id']), deliveryId: String(headers['castbridge-delivery-id']), hash: hashOf(body) };
}

function missing(ids: readonly string[], arrivals: readonly Arrival[]): string[] {
  const arrived = new Set(arrivals.map(({ id }) => id));
  return ids.filter((id) => !arrived.has(id));
}

function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
