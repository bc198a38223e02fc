import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { served, until, type Served } from './serve.js';

const TOKEN = 'token-0123456789abcdef';

const yaml = (receiver: HttpReceiver) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: header, header: X-Bridge-Token, secrets: [${TOKEN}] }, format: castai-notification }
  alerts:
    path: /webhooks/alerts
    verify: { type: header, header: X-Bridge-Token, secrets: [${TOKEN}] }
    format: castai-notification
    dedup: { key: 'event.id + "/" + event.body.alert' }
sinks:
  out: { type: http, url: "${receiver.url}" }
routes:
  - { name: all, to: [out] }
`;

describe('what the console of Cast AI posts', () => {
  let receiver: HttpReceiver;
  let bridge: Served;
  beforeAll(async () => {
    receiver = await startHttpReceiver();
    bridge = await served(yaml(receiver));
    await bridge.start();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await receiver.goAway();
  });

  const post = async (body: object | string, { to = 'castai', headers = {} }: { to?: string; headers?: Record<string, string> } = {}) => {
    const answer = await fetch(bridge.url.replace('castai', to), {
      method: 'POST',
      headers: { 'x-bridge-token': TOKEN, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return `${answer.status} ${await answer.text()}`;
  };
  const arrived = (id: string) => receiver.received.filter(({ headers }) => headers['castbridge-event-id'] === id);
  const RECEIVED = '200 {"received":true}';
  const DUPLICATE = '200 {"received":true,"duplicate":true}';

  it.each(['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json'])(
    'T44: is taken as JSON whatever its content type says, here %s',
    async (type) => {
      const id = `as ${type.slice(0, 20)}`;
      expect(await post({ NotificationID: id, Severity: 'INFO', Name: 'x' }, { headers: { 'content-type': type } })).toBe(RECEIVED);
      await until(() => arrived(id).length === 1);
      expect(arrived(id)[0]?.headers['castbridge-type']).toBe('notification.info.x');
    },
  );

  it('T09: is one notification where two alerts that overlap post it twice', async () => {
    expect(await post({ NotificationID: 'n-1', Name: 'Node deletion failed', Severity: 'CRITICAL', alert: 'everything' })).toBe(RECEIVED);
    expect(await post({ notification_id: 'n-1', title: 'Node deletion failed', alert: 'critical only' })).toBe(DUPLICATE);
  });

  it('T09: is one for each alert where the source says so, and known again all the same', async () => {
    const [one, other] = ['everything', 'critical only'].map((alert) => ({ NotificationID: 'n-1', Name: 'Node deletion failed', alert }));
    expect([await post(one ?? {}, { to: 'alerts' }), await post(other ?? {}, { to: 'alerts' })]).toEqual([RECEIVED, RECEIVED]);
    expect(await post(one ?? {}, { to: 'alerts' })).toBe(DUPLICATE);
    await until(() => arrived('n-1/everything').length === 1 && arrived('n-1/critical only').length === 1);
    const { out } = await bridge.here('events', 'show', 'n-1/everything');
    expect(out).toContain('id n-1/everything');
    // The key asks for something that is not there.
    expect(await post({ NotificationID: 'n-2', Name: 'x' }, { to: 'alerts' })).toBe(
      '422 {"error":"the event has nothing that dedup.key could take for its id"}',
    );
  });

  it('T09: is another one each time an anomaly is opened, acknowledged and closed', async () => {
    const states = ['open', 'acked', 'closed'];
    for (const state of states)
      expect(
        await post({ NotificationID: `a-${state}`, Name: 'Cost anomaly detected on the CPU metric', Details: { anomaly_id: 'same', state } }),
      ).toBe(RECEIVED);
    await until(() => states.every((state) => arrived(`a-${state}`).length === 1));
  });

  it('T44: is kept where its template rendered no JSON, with a line that helps who wrote it', async () => {
    const body = '{\n  "NotificationID": "n-3",\n  "Message": "the "main" cluster",\n}';
    expect(await post(body)).toBe(
      `422 ${JSON.stringify({
        error:
          'the body is not valid JSON at line 3, column 20: this is no value; a text stands in double quotes, and a quote inside it is written \\" (in a template of Cast AI: toEscapedString or toJSON)',
      })}`,
    );
    const { out } = await bridge.here('deliveries', '--reason', 'undecodable', '--json');
    const { event } = JSON.parse(out.split('\n')[0] ?? '') as { event: string };
    const shown = JSON.parse((await bridge.here('events', 'show', event, '--json')).out) as { body: string; deliveries: { detail: string }[] };
    expect([shown.body, shown.deliveries[0]?.detail]).toEqual([body, expect.stringContaining('line 3, column 20') as string]);
  });
});
