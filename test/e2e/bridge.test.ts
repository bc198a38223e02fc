import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { freePort, MAIN, postSigned, run, served, until, type Served } from './serve.js';

const SECRET = 'e2e-0123456789abcdef0123456789abcdef';

const yaml = (receiver: HttpReceiver, slack: SlackStandIn) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  screen: { type: console }
  ops: { type: slack, webhookUrl: "${slack.webhookUrl}", text: "{{ event.type }} on {{ event.cluster.name }}", pace: 100/s }
  inventory: { type: http, url: "${receiver.url}/castai/{event.type}", retry: { initial: 20ms, max: 100ms, attempts: 5, maxAge: 1h } }
routes:
  - { name: all, match: { type: "resource.*" }, to: [screen, inventory] }
  - { name: page, where: 'event.severity == "critical"', to: [ops] }
`;

const post = (url: string, body: string, tamper?: string) => postSigned(url, SECRET, Buffer.from(body), tamper);
const envelope = (id: string, type = 'resource.created', data: object = {}) => JSON.stringify({ id, type, data, created: '2026-01-01T00:00:00Z' });

describe('the built bridge, end to end', () => {
  let receiver: HttpReceiver;
  let slack: SlackStandIn;
  let bridge: Served;

  beforeAll(async () => {
    [receiver, slack] = [await startHttpReceiver(), await startSlackStandIn()];
    bridge = await served(yaml(receiver, slack));
    await bridge.start();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all([receiver.goAway(), slack.goAway()]);
  });

  const arrived = (id: string) => receiver.received.filter((request) => request.headers['castbridge-event-id'] === id);
  const story = async (id: string) => {
    const { out } = await bridge.run('events', 'show', id, '--json');
    return JSON.parse(out) as {
      deliveries: { sink: string | null; state: string; reason: string | null; history: { outcome: string; answer: string }[] }[];
    };
  };

  it('`trigger` posts a signed event, and it arrives at every sink it is routed to, byte for byte', async () => {
    const { code, out } = await bridge.run('trigger', 'resource.created', '--id', 'evt_first', '--json');
    expect([code, JSON.parse(out)]).toEqual([0, { url: bridge.url, id: 'evt_first', status: 200, answer: '{"received":true}' }]);
    await until(() => arrived('evt_first').length === 1 && bridge.output.stdout.includes('"evt_first"'));
    expect(arrived('evt_first')[0]?.path).toBe('/castai/resource.created');
    expect(JSON.parse(arrived('evt_first')[0]?.body.toString() ?? '')).toMatchObject({ id: 'evt_first', type: 'resource.created' });
    expect(arrived('evt_first')[0]?.headers['castbridge-delivery-id']).toMatch(/^[0-9a-z]+-[0-9a-f]{8}\.\d$/);
    expect(slack.posted).toHaveLength(0);
  });

  it('`trigger` takes data and a secret from files, many at a rate, and says no where one was refused', async () => {
    const [data, secret, wrong] = ['data.json', 'secret', 'wrong'].map((name) => join(bridge.folder, name)) as [string, string, string];
    writeFileSync(data, '{"clusterName":"prod-eu-1"}');
    writeFileSync(secret, `${SECRET}\n`);
    writeFileSync(wrong, 'f'.repeat(40));
    const started = performance.now();
    const many = await run([
      'trigger',
      'resource.updated',
      '--url',
      bridge.url,
      '--secret-file',
      secret,
      '--data',
      data,
      '--count',
      '5',
      '--rate',
      '20',
    ]);
    expect([many.code, many.out]).toEqual([0, expect.stringMatching(/^5 sent: 5 × 200; p50 [\d.]+ ms, p99 [\d.]+ ms\n$/)]);
    expect(performance.now() - started).toBeGreaterThan(200);
    await until(() => receiver.received.filter(({ body }) => body.includes('"data":{"clusterName":"prod-eu-1"}')).length === 5);

    expect(await bridge.run('trigger', 'test', '--secret-file', wrong)).toMatchObject({
      code: 1,
      out: expect.stringContaining('401 {"error":"Invalid signature"}') as string,
    });
    expect(await bridge.run('trigger', 'test', '--data', secret)).toMatchObject({ code: 2, err: expect.stringContaining('is no JSON') as string });
  });

  it('T17: what JSON would change on the way is not changed', async () => {
    const body = '{"id":"evt_bytes","type":"resource.updated","data":{"n":9007199254740993,"x":1e400,"a":1,"a":2,"__proto__":3,"s":"\\ud800"}}';
    expect(await post(bridge.url, body)).toEqual({ status: 200, body: '{"received":true}' });
    await until(() => arrived('evt_bytes').length === 1);
    expect(arrived('evt_bytes')[0]?.body.toString()).toBe(body);
  });

  it('a duplicate is acknowledged, and delivered once', async () => {
    const body = envelope('evt_twice');
    expect(await post(bridge.url, body)).toEqual({ status: 200, body: '{"received":true}' });
    expect(await post(bridge.url, body)).toEqual({ status: 200, body: '{"received":true,"duplicate":true}' });
    expect(await post(bridge.url, envelope('evt_after'))).toMatchObject({ status: 200 });
    await until(() => arrived('evt_after').length === 1);
    expect(arrived('evt_twice')).toHaveLength(1);
  });

  it('a tampered body is refused with nothing that helps, and kept nowhere', async () => {
    expect(await post(bridge.url, envelope('evt_tampered'), ' ')).toEqual({ status: 401, body: '{"error":"Invalid signature"}' });
    const { code, err } = await bridge.run('events', 'show', 'evt_tampered');
    expect([code, err]).toEqual([1, expect.stringContaining('there is no event "evt_tampered"')]);
  });

  it('a message of Slack is rendered, escaped, and delivered', async () => {
    await post(bridge.url, envelope('evt_page', 'resource.deleted', { severity: 'CRITICAL', clusterName: '<!channel> & co' }));
    await until(() => slack.posted.length === 1);
    expect(slack.posted[0]).toEqual({ text: 'resource.deleted on &lt;!channel&gt; &amp; co', blocks: undefined, mentions: [] });
  });

  it('a sink that fails twice gets it at the third attempt, with the same delivery id', async () => {
    receiver.script({ status: 503 }, 'close-before-answer');
    await post(bridge.url, envelope('evt_flaky'));
    await until(() => arrived('evt_flaky').length === 3);
    expect(new Set(arrived('evt_flaky').map((request) => request.headers['castbridge-delivery-id'])).size).toBe(1);
    await until(async () => (await story('evt_flaky')).deliveries.every((delivery) => delivery.state === 'delivered'));
    const inventory = (await story('evt_flaky')).deliveries.find((delivery) => delivery.sink === 'inventory');
    expect(inventory?.history.map((attempt) => attempt.outcome)).toEqual(['retry', 'retry', 'delivered']);
  });

  it('what a sink rejects is a dead letter that is seen, replayed, and then delivered', async () => {
    receiver.script({ status: 422, body: 'unknown cluster' });
    await post(bridge.url, envelope('evt_rejected'));
    await until(async () => (await bridge.run('deliveries', '--state', 'dead', '--json')).out.includes('evt_rejected'));
    const { out } = await bridge.run('deliveries', '--state', 'dead', '--sink', 'inventory', '--json');
    expect(JSON.parse(out)).toMatchObject({ eventId: 'evt_rejected', reason: 'http_422', detail: '422 unknown cluster', attempts: 1 });
    expect((await bridge.run('replay', 'evt_rejected')).out).toBe('1 delivery waits again\n');
    await until(() => arrived('evt_rejected').length === 2);
    await until(async () => (await bridge.run('deliveries', '--state', 'dead', '--json')).out === '');
  });

  it('T08: what no row matches is kept, shown, and replayed through the table', async () => {
    expect(await post(bridge.url, envelope('evt_nowhere', 'test'))).toMatchObject({ status: 200 });
    const { out } = await bridge.run('deliveries', '--reason', 'unrouted', '--json');
    expect(JSON.parse(out)).toMatchObject({ eventId: 'evt_nowhere', state: 'dead', sink: null });
    const { code, err } = await bridge.run('replay', 'evt_nowhere');
    expect([code, err]).toEqual([1, expect.stringContaining('unrouted')]);
    const { id } = JSON.parse(out) as { id: string };
    expect((await bridge.run('events', 'show', id, '--json')).out).toContain('evt_nowhere');
  });

  it('what is authentic and unreadable is answered 422, and kept', async () => {
    expect(await post(bridge.url, '{"id": "evt_broken",')).toMatchObject({ status: 422 });
    expect((await bridge.run('deliveries', '--reason', 'undecodable', '--json')).out).toContain('undecodable');
  });

  it('metrics and health tell it', async () => {
    const text = async (path: string) => (await fetch(`${bridge.operations}${path}`)).text();
    expect(await text('/metrics')).toMatch(/castbridge_events_accepted_total\{source="castai"\} \d+/);
    expect(await text('/healthz')).toBe('{"status":"ok"}');
    expect(await text('/readyz')).toBe('{"ready":true,"reasons":[],"notes":[]}');
  });

  it('T10, T12: after kill -9 and a restart, everything acknowledged is delivered', async () => {
    receiver.otherwise('hang');
    const ids = Array.from({ length: 200 }, (_, index) => `evt_kill_${index}`);
    const answers = await Promise.all(ids.map((id) => post(bridge.url, envelope(id))));
    expect(answers.map((answer) => answer.status)).toEqual(ids.map(() => 200));
    await bridge.kill();
    receiver.otherwise({ status: 200 });
    await bridge.start();
    await until(
      () =>
        new Set(receiver.received.map((request) => request.headers['castbridge-event-id'])).size >= 200 && ids.every((id) => arrived(id).length > 0),
    );
    await until(async () => (await bridge.run('deliveries', '--state', 'waiting', '--json')).out === '');
    expect(await post(bridge.url, envelope('evt_kill_0'))).toMatchObject({ body: '{"received":true,"duplicate":true}' });
  });

  it('T19: SIGTERM ends it with 0: what is being sent may end, what waits is sent after the next start, and nothing twice', async () => {
    receiver.otherwise('hold');
    const ids = Array.from({ length: 20 }, (_, index) => `evt_term_${index}`);
    for (const id of ids) expect(await post(bridge.url, envelope(id))).toMatchObject({ status: 200 });
    // As many as the sink's concurrency are on their way; the others wait in the lane.
    await until(() => ids.flatMap(arrived).length === 8);
    const stopped = bridge.stop();
    // Accepted while the signal is on its way, then refused, then not even listened to.
    for (let n = 0, listening = true; listening; n++) {
      const answer = await post(bridge.url, envelope(`evt_late_${n}`)).catch(() => null);
      if (answer?.status === 200) ids.push(`evt_late_${n}`);
      else expect(answer?.status ?? 503).toBe(503);
      listening = answer !== null;
    }
    receiver.otherwise({ status: 200 });
    receiver.release();
    expect(await stopped).toBe(0);
    expect(ids.flatMap(arrived)).toHaveLength(8);

    await bridge.start();
    await until(async () => (await bridge.run('deliveries', '--state', 'waiting', '--json')).out === '');
    for (const id of ids) expect(arrived(id)).toHaveLength(1);
    expect(receiver.received.filter((request) => /^evt_(term|late)_/.test(String(request.headers['castbridge-event-id'])))).toHaveLength(ids.length);
  });

  it('a second bridge on the same file is refused with a line that says what to do', async () => {
    const { code, err } = await bridge.run('serve');
    expect(code).toBe(1);
    expect(err).toMatch(/castbridge: the bridge cannot start: .*bridge\.db is in use by another castbridge: stop it, or/);
  });

  it('T47: no secret is in anything it wrote', () => {
    expect(bridge.output.stderr + bridge.output.stdout).not.toContain(SECRET);
    expect(bridge.output.stderr).not.toContain('/services/T0');
  });
});

describe('the command line', () => {
  it('says what it can do, and how it exits', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'check', 'trigger', 'deliveries', 'events', 'replay', 'Exit codes']) expect(out).toContain(word);
  });

  it('a pipe that is closed early is no fault', async () => {
    const closed = spawn('sh', ['-c', `"${process.execPath}" "${MAIN}" --help | true; exit 0`], { stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    closed.stderr.on('data', (chunk) => (err += String(chunk)));
    await once(closed, 'close');
    expect(err).toBe('');
  });

  it.each([
    [['replay', 'evt_1', '--state', 'delivered']],
    [['nonsense']],
    [['deliveries', '--state', 'gone']],
    [['trigger']],
    [['replay']],
    [['trigger', 'x', '--count', '0']],
  ])('%j is wrong usage: 2', async (args) => {
    expect((await run(args)).code).toBe(2);
  });

  it('says 3, and what to do, where no bridge answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'castbridge-cli-'));
    const config = join(folder, 'bridge.yaml');
    const source = `{ path: /w, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }`;
    const ports = `server: { host: "::", port: ${await freePort()} }\noperations: { port: ${await freePort()} }`;
    writeFileSync(config, `${ports}\nsources: { castai: ${source} }\nsinks: { out: { type: console } }\nroutes: [{ to: [out] }]\n`);
    const listing = await run(['deliveries', '--config', config]);
    expect([listing.code, listing.err]).toEqual([3, expect.stringContaining('start it with `castbridge serve')]);
    // The file need not be right but for where the bridge is.
    writeFileSync(config, `${ports}\nsources: { castai: ${source.replace(SECRET, '${NOT_SET}')} }\nsinks: {}\nroutes: []\n`);
    expect(await run(['deliveries', '--config', config])).toEqual(listing);
    writeFileSync(config, `${ports.replace(' }\noperations', ' }\noperatons')}\nsources: { castai: ${source} }\nsinks: {}\nroutes: []\n`);
    expect(await run(['deliveries', '--config', config])).toMatchObject({
      code: 1,
      err: expect.stringContaining('did you mean "operations"?') as string,
    });
    writeFileSync(config, `${ports}\nsources: { castai: ${source} }\nsinks: { out: { type: console } }\nroutes: [{ to: [out] }]\n`);
    const posting = await run(['trigger', 'test', '--count', '1000', '--config', config]);
    expect([posting.code, posting.err]).toEqual([3, expect.stringContaining('nothing answers at http://[::1]:')]);
    rmSync(folder, { recursive: true });
  });

  it('`check` says 0 or 1, one line a problem', async () => {
    expect(await run(['check', 'config/bridge.yaml'])).toMatchObject({ code: 0, out: 'config/bridge.yaml: ok (1 source, 1 sink)\n' });
    const bad = await run(['check', 'test/config/bad/sink-that-does-not-exist.yaml']);
    expect([bad.code, bad.out.trim().split('\n')]).toEqual([1, [expect.stringContaining(':10:10  routes[0].to[0]: no sink named "ops-slakc"')]]);
  });
});
