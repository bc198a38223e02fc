import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { deliveriesOf, postSigned, served, until, type Served } from './serve.js';

const SECRET = randomBytes(24).toString('hex');

const yaml = (strict: HttpReceiver, archive: HttpReceiver, slack: SlackStandIn) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  strict: { type: http, url: "${strict.url}", headers: { token: "{event.data.token}" }, retry: { initial: 10ms, max: 20ms, attempts: 2 } }
  audited: { type: http, url: "${strict.url}", onDead: { to: [archive, ops] } }
  archive: { type: http, url: "${archive.url}/dead", retry: { attempts: 1 } }
  ops: { type: slack, webhookUrl: "${slack.webhookUrl}", text: "all is well: {{ event.name }}", burst: 10 }
routes:
  - { name: to-strict, match: { type: strict }, to: [strict] }
  - { name: to-audited, match: { type: audited }, to: [audited] }
  - { name: to-ops, match: { type: ops }, to: [ops] }
  - { name: fails, match: { type: fails }, where: event.data.nothing.more, to: [ops] }
onDead: { to: [ops] }
`;

describe('dead letters reach people', () => {
  let [strict, archive, slack, bridge] = [] as unknown as [HttpReceiver, HttpReceiver, SlackStandIn, Served];
  beforeAll(async () => {
    [strict, archive, slack] = [await startHttpReceiver(), await startHttpReceiver(), await startSlackStandIn()];
    strict.otherwise({ status: 422, body: 'unknown cluster' });
    bridge = await served(yaml(strict, archive, slack), { logLevel: 'warn' });
    await bridge.start();
  });
  beforeEach(() => {
    slack.posted.splice(0);
    for (const { received } of [strict, archive]) received.splice(0);
    archive.otherwise({ status: 200, body: '' });
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([strict.goAway(), archive.goAway(), slack.goAway()]);
  });

  const post = async (id: string, type: string, data: object = {}): Promise<Buffer> => {
    const body = Buffer.from(`{"id":"${id}","type":"${type}","data":${JSON.stringify({ token: 't', ...data })},"big":9007199254740993}`);
    await postSigned(bridge.url, SECRET, body);
    return body;
  };
  const rows = (filter: Readonly<Record<string, string>> = {}) => deliveriesOf(bridge, filter);
  const settled = () => until(async () => (await rows({ state: 'waiting' })).length === 0);
  const shown = (): string => JSON.stringify(slack.posted);

  it('of a sink without words of its own: as the file says, once, and it stays a dead letter', async () => {
    await post('evt_1', 'strict');
    await until(() => slack.posted.length > 0);
    await settled();
    expect(slack.posted).toHaveLength(1);
    expect(slack.posted[0]?.text).toMatch(/^⚫ Dead letter: strict\. Not delivered to \*strict\*: `http_422` after 1 attempt\n> 422 unknown cluster/);
    expect(shown()).toContain('all is well:');
    const [dead] = await rows({ state: 'dead', sink: 'strict' });
    expect(dead).toMatchObject({ route: 'to-strict', reason: 'http_422' });
    expect(shown()).toContain(`castbridge replay ${dead?.id ?? ''}`);
    expect(await rows({ sink: 'ops', state: 'delivered' })).toMatchObject([{ route: 'onDead' }]);
    // Replayed, and dead again: who was told knows.
    await bridge.here('replay', dead?.id ?? '');
    await bridge.here('replay', 'evt_1');
    await settled();
    expect(slack.posted).toHaveLength(1);
  });

  it('of a sink with words of its own: there alone, with the received bytes, reason and attempts', async () => {
    const body = await post('evt_2', 'audited');
    await until(() => archive.received.length > 0 && slack.posted.length > 0);
    await settled();
    const [request] = archive.received;
    expect(request?.body.equals(body)).toBe(true);
    expect(request?.headers).toMatchObject({
      'castbridge-event-id': 'evt_2',
      'castbridge-delivery-id': expect.stringMatching(/\.1$/) as string,
      'castbridge-dead-delivery-id': expect.stringMatching(/\.0$/) as string,
      'castbridge-dead-sink': 'audited',
      'castbridge-dead-route': 'to-audited',
      'castbridge-dead-reason': 'http_422',
      'castbridge-dead-attempts': '1',
      'castbridge-dead-detail': '422 unknown cluster',
    });
    expect(slack.posted).toHaveLength(1);
  });

  it('go in no circle: what was forwarded and dies is a dead letter, and no more', async () => {
    archive.otherwise({ status: 400, body: 'no' });
    await post('evt_3', 'audited');
    await until(() => archive.received.length > 0 && slack.posted.length > 0);
    await settled();
    expect((await rows({ state: 'dead' })).filter(({ sink }) => sink === 'archive')).toMatchObject([{ route: 'onDead', reason: 'http_400' }]);
    expect(slack.posted).toHaveLength(1);
  });

  it('that never got as far as a sink: no row matches, a condition fails, a body that is no event', async () => {
    await post('evt_4', 'nobody');
    await post('evt_5', 'fails');
    await postSigned(bridge.url, SECRET, Buffer.from('{"id":<!channel>'));
    await until(() => slack.posted.length === 3);
    expect(slack.posted.map(({ text }) => /`(\w+)`/.exec(text ?? '')?.[1]).sort()).toEqual(['route_error', 'undecodable', 'unrouted']);
    expect(slack.posted.flatMap(({ mentions }) => mentions)).toEqual([]);
    await settled();
  });

  it('of the sink that they would go to: to nobody, and visible', async () => {
    slack.script({ status: 404, body: 'no_service' });
    await post('evt_6', 'ops');
    await until(async () => (await rows({ state: 'dead', reason: 'slack_no_service' })).length > 0);
    await settled();
    expect(slack.posted).toEqual([]);
  });

  it('in bulk are a digest; kill -9 while they are forwarded loses none', async () => {
    slack.otherwise({ status: 503, body: 'service_unavailable' });
    await Promise.all(Array.from({ length: 200 }, (_, n) => post(`bulk_${n}`, 'strict')));
    await until(async () => (await rows({ state: 'dead', sink: 'strict' })).length >= 200);
    await bridge.kill();
    slack.otherwise(null);
    await bridge.start();
    await until(async () => (await rows({ state: 'waiting' })).length === 0);
    expect(slack.posted.length).toBeLessThan(20);
    expect(shown()).toMatch(/⚫ \d+ dead letters/);
    expect((await rows({ sink: 'ops', state: 'delivered' })).filter(({ route }) => route === 'onDead').length).toBeGreaterThanOrEqual(200);
  }, 120_000);

  it('of a sink that is removed are forwarded too', async () => {
    strict.otherwise('hang');
    await post('evt_7', 'strict');
    await until(() => strict.received.length > 0);
    bridge.write(
      yaml(strict, archive, slack)
        .replace(/^ {2}strict: .*\n/m, '')
        .replace(/^.*to-strict.*\n/m, ''),
    );
    expect((await fetch(`${bridge.operations}/-/reload`, { method: 'POST' })).status).toBe(200);
    // The attempt that is under way ends by its timeout, and there will not be another one.
    await until(() => slack.posted.length > 0);
    expect(slack.posted[0]?.text).toContain('`sink_removed`');
    strict.otherwise({ status: 422, body: 'unknown cluster' });
  });
});
