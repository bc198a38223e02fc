import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entryAt, startCastaiApi, type CastaiApi } from '../receivers/castai-api.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { randomFrom } from '../random.js';
import { MAIN, served, until, type Served } from './serve.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const DAY_MS = 86_400_000;

const yaml = (api: CastaiApi, receiver: HttpReceiver, more = '') => `
sources:
  audit:
    type: castai-audit-poll
    apiKey: \${CASTAI_API_KEY}
    url: ${api.url}
    interval: 1s
    from: ${new Date(api.nowMs - 5 * DAY_MS).toISOString().slice(0, 19)}Z
${more}
sinks:
  out: { type: http, url: "${receiver.url}", retry: { initial: 10ms, max: 100ms } }
routes:
  - { name: nodes, match: { type: "audit.node*" }, to: [out] }
`;

async function rig(more?: string): Promise<{ api: CastaiApi; receiver: HttpReceiver; bridge: Served }> {
  const api = await startCastaiApi(Date.now());
  const receiver = await startHttpReceiver();
  const bridge = await served(yaml(api, receiver, more), { env: { CASTAI_API_KEY: api.apiKey } });
  onTestFinished(async () => {
    await bridge.cleanUp();
    await Promise.all([api.goAway(), receiver.goAway()]);
  });
  return { api, receiver, bridge };
}

/** What arrived: ids of deliveries by ids of entries. */
function arrivals({ received }: HttpReceiver): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { headers } of received) {
    const id = String(headers['castbridge-event-id']);
    found.set(id, (found.get(id) ?? new Set()).add(String(headers['castbridge-delivery-id'])));
  }
  return found;
}

const ready = async ({ operations }: Served) => (await (await fetch(`${operations}/readyz`)).json()) as { ready: boolean; notes: string[] };
const metrics = async ({ operations }: Served) => (await fetch(`${operations}/metrics`)).text();

describe('the built bridge and the audit log', () => {
  it(
    `T10: loses nothing and keeps nothing twice, killed between pages, while the API fails, pages overlap and entries come late (SEED=${SEED})`,
    { timeout: 180_000 },
    async () => {
      const { api, receiver, bridge } = await rig();
      const random = randomFrom(SEED);
      api.pageMax = 20;
      api.overlap = 3;
      const expected = new Set<string>();
      const add = (timeMs: number): void => {
        const id = `e${expected.size}`;
        expected.add(id);
        api.entries.push(entryAt(id, timeMs, { event: { padding: 'x'.repeat(Math.floor(random() * 2_000)) } }));
      };
      for (let n = 0; n < 600; n++) add(api.nowMs - random() * 5 * DAY_MS);
      let kills = 0;
      for (let asked = api.asked.length; kills < 8; asked = api.asked.length) {
        await bridge.start();
        const upTo = asked + 1 + Math.floor(random() * 6);
        await until(() => api.asked.length >= upTo);
        await bridge.kill();
        kills += 1;
        api.nowMs = Date.now();
        for (let n = 0; n < 10; n++) add(api.nowMs - random() * 8 * 60_000);
        api.troubles.push(random() < 0.5 ? { kind: 'status', status: 503 } : { kind: 'hangUp' });
        if (random() < 0.3) api.forgetCursors();
      }
      api.troubles.length = 0;
      await bridge.start();
      await until(() => arrivals(receiver).size >= expected.size);
      const found = arrivals(receiver);
      expect([...expected].filter((id) => !found.has(id))).toEqual([]);
      // An answer that was lost with the process is sent again, as the same delivery.
      expect([...found].filter(([, deliveries]) => deliveries.size !== 1)).toEqual([]);
      expect(found.size).toBe(expected.size);
    },
  );

  it('stops at 401 and says so, and asks again when the configuration is read again', async () => {
    const { api, receiver, bridge } = await rig();
    api.apiKey = 'another-0123456789abcdef';
    api.entries.push(entryAt('e1', api.nowMs - 1_000));
    await bridge.start();
    await until(async () => (await ready(bridge)).notes.length > 0);
    expect(await ready(bridge)).toMatchObject({
      ready: true,
      notes: ['the source "audit" is not asked any more: the API answered 401: the API key is not valid'],
    });
    expect(await metrics(bridge)).toContain('castbridge_poll_up{source="audit"} 0');
    await until(() => bridge.output.stderr.includes('source is not asked any more'));
    expect(bridge.output.stderr).not.toMatch(/api-key-0123456789|another-0123456789/);
    const listening = spawn(process.execPath, [MAIN, 'listen', 'audit', '--config', bridge.config], { env: { ...process.env, CASTAI_API_KEY: 'x' } });
    onTestFinished(() => void listening.kill());
    let [out, err] = ['', ''];
    listening.stdout.on('data', (text) => (out += String(text)));
    listening.stderr.on('data', (text) => (err += String(text)));
    await until(() => err.includes('listening to audit (it is asked)'));
    bridge.signal('SIGHUP');
    await until(() => out.includes('audit  it is not asked any more, until the configuration is read again: the API answered 401'));
    api.troubles.push({ kind: 'status', status: 500 });
    bridge.signal('SIGHUP');
    await until(() => /audit {2}it could not be asked, and is again in 1 s: the API answered 500/.test(out));
    const { length } = api.asked;
    api.apiKey = 'api-key-0123456789abcdef';
    bridge.signal('SIGHUP');
    await until(() => arrivals(receiver).has('e1'));
    expect(api.asked.length).toBeGreaterThan(length);
    await until(async () => (await ready(bridge)).notes.length === 0);
    expect(await metrics(bridge)).toContain('castbridge_poll_up{source="audit"} 1');
  });

  it('is explained from a file, tested in the YAML, and left alone by a reload that does not concern it', async () => {
    const { api, receiver, bridge } = await rig();
    api.entries.push(entryAt('e1', api.nowMs - 1_000));
    await bridge.start();
    await until(() => arrivals(receiver).has('e1'));
    bridge.write(`${yaml(api, receiver)}
tests:
  - name: a node that is added is sent on
    given: { source: audit, body: { id: a1, eventType: nodeAdded, labels: { clusterId: c-1 } } }
    expect: [out]
`);
    bridge.signal('SIGHUP');
    await until(() => bridge.output.stderr.includes('configuration reloaded'));
    expect(await bridge.here('test')).toMatchObject({ code: 0 });
    const { code, out } = await bridge.here('explain', '--id', 'e1');
    expect([code, out]).toEqual([0, expect.stringContaining('audit.nodeAdded')]);
    api.entries.push(entryAt('e2', Date.now()));
    await until(() => arrivals(receiver).has('e2'));
    expect(api.asked.filter((query) => query['fromDate'] === api.asked[0]?.['fromDate'])).toHaveLength(1);
  });
});

describe('the built bridge and the list of notifications', () => {
  it('fills what the webhook has missed, under the same ids, and sends nothing twice', async () => {
    const api = await startCastaiApi(Date.now());
    const receiver = await startHttpReceiver();
    const bridge = await served(
      `
sources:
  castai: { path: /webhooks/castai, verify: { type: header, header: X-Bridge-Token, secrets: ['\${TOKEN}'] }, format: castai-notification }
  castai-gap: { type: castai-notifications-poll, fills: castai, apiKey: '\${CASTAI_API_KEY}', url: ${api.url}, interval: 1s }
sinks:
  out: { type: http, url: "${receiver.url}" }
routes:
  - { name: all, match: { source: castai }, to: [out] }
`,
      { env: { CASTAI_API_KEY: api.apiKey, TOKEN: 'token-0123456789abcdef' } },
    );
    onTestFinished(async () => {
      await bridge.cleanUp();
      await Promise.all([api.goAway(), receiver.goAway()]);
    });
    const notification = (id: string) => ({
      id,
      severity: 'CRITICAL',
      name: 'Node deletion failed',
      timestamp: new Date(Date.now() + 1_000).toISOString(),
    });
    const post = (id: string) =>
      fetch(bridge.url, {
        method: 'POST',
        headers: { 'x-bridge-token': 'token-0123456789abcdef' },
        body: JSON.stringify({ ...notification(id), id: undefined, NotificationID: id }),
      });
    await bridge.start();
    await until(() => api.asked.length >= 2);
    expect((await post('n-1')).status).toBe(200);
    api.notifications.push(notification('n-1'), notification('n-2'));
    await until(() => arrivals(receiver).has('n-2'));
    await bridge.stop();
    // While it is away.
    api.notifications.push(notification('n-3'));
    await bridge.start();
    await until(() => arrivals(receiver).has('n-3'));
    expect(await (await post('n-3')).text()).toBe('{"received":true,"duplicate":true}');
    expect([...arrivals(receiver)].map(([id, { size }]) => [id, size])).toEqual([
      ['n-1', 1],
      ['n-2', 1],
      ['n-3', 1],
    ]);
    expect(receiver.received[1]?.headers).toMatchObject({
      'castbridge-source': 'castai',
      'castbridge-type': 'notification.critical.node-deletion-failed',
    });
  });
});
