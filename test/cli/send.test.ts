import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { remedyFor } from '../../src/cli/remedies.js';
import { sendOnce } from '../../src/cli/send-once.js';
import { testDelivery } from '../../src/cli/test-event.js';
import { freePort, here, MAIN, run, until } from '../e2e/serve.js';
import { anyBrokers, describeAnyKafka, START_MS } from '../kafka/suite.js';
import { createTopic, readTopic, unusedTopic } from '../kafka/topics.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { CANARIES, canariesIn } from '../secrets/canary.js';

const folder = mkdtempSync(join(tmpdir(), 'castbridge-send-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** A configuration file with these sinks. */
function configuration(name: string, sinks: Readonly<Record<string, object>>): string {
  const rest = { storage: { path: join(folder, 'store.db') }, routes: [{ to: Object.keys(sinks) }], sinks };
  const sources = { open: { path: '/w', verify: { type: 'none' }, format: 'castai-event' } };
  return written(name, JSON.stringify({ sources, ...rest }));
}

let [receiver, slack, file] = [] as unknown as [HttpReceiver, SlackStandIn, string];
beforeAll(async () => {
  [receiver, slack] = [await startHttpReceiver(), await startSlackStandIn()];
  const http = { type: 'http', url: `${receiver.url}/hooks` };
  file = configuration('bridge.yaml', {
    inventory: http,
    once: { ...http, retry: { attempts: 1 } },
    impatient: { ...http, timeout: '150ms' },
    nobody: { type: 'http', url: `http://127.0.0.1:${await freePort()}/` },
    templated: { ...http, url: `${http.url}/{event.data.team}`, body: { title: '{{ event.name }}', name: '{{ event.data.name }}' } },
    ops: { type: 'slack', webhookUrl: slack.webhookUrl },
    screen: { type: 'console' },
  });
});
afterAll(() => Promise.all([receiver.goAway(), slack.goAway()]));
afterEach(() => {
  receiver.otherwise({ status: 200 });
  slack.otherwise(null);
});

const send = (...args: readonly string[]) => here(['send', file, ...args]);

interface Document {
  readonly deliveryId: string;
  readonly message: { readonly body: string };
}

describe('a test message that is delivered', () => {
  it('is told with what was sent, to where, and what came back; nothing is stored', async () => {
    receiver.script({ status: 202, body: 'taken' });
    const { code, out, err } = await send('--sink', 'inventory');
    const request = receiver.received.at(-1);
    const lines = out.trimEnd().split('\n');
    expect([code, err, lines[0], lines.at(-1)]).toEqual([
      0,
      '',
      `to inventory (http) at ${receiver.url}`,
      expect.stringMatching(/^delivered, after \d+ ms: 202 taken$/),
    ]);
    expect(lines).toContain(`  url: ${receiver.url}/hooks`);
    expect(lines).toContain(`    castbridge-delivery-id: ${String(request?.headers['castbridge-delivery-id'])}`);
    expect(lines).toContain(`  body: ${String(request?.body)}`);
    expect(existsSync(join(folder, 'store.db'))).toBe(false);
  });

  it('carries a label by which nobody takes it for a real event', async () => {
    await send('--sink', 'inventory');
    const request = receiver.received.at(-1);
    const id = String(request?.headers['castbridge-event-id']);
    expect(request?.headers).toMatchObject({
      'castbridge-source': 'castbridge',
      'castbridge-type': 'castbridge.test',
      'castbridge-delivery-id': `${id}.0`,
    });
    expect(JSON.parse(String(request?.body))).toEqual({
      id: expect.stringMatching(/^test-[\da-f-]{36}$/) as string,
      type: 'castbridge.test',
      data: {
        severity: 'info',
        name: 'Test message from castbridge',
        message: expect.stringMatching(/^Sent by \S+@\S+ at \S+Z to try the sink inventory\. Nothing has happened\.$/) as string,
      },
      created: String(request?.headers['castbridge-received-at']),
    });
  });

  it('reads as such in Slack', async () => {
    const { code, out } = await send('--sink', 'ops');
    expect([code, out]).toEqual([0, expect.stringContaining(`to ops (slack) at ${slack.url}\n  text: 🔵 Test message from castbridge: Sent by `)]);
    expect(slack.posted.at(-1)?.text).toMatch(/^🔵 Test message from castbridge: Sent by .* Nothing has happened\.$/);
  });

  it('is one document with --json, and another event with each call', async () => {
    const [one, other] = [await send('--sink', 'inventory', '--json'), await send('--sink', 'inventory', '--json')];
    const { deliveryId, message } = JSON.parse(one.out) as Document;
    expect(JSON.parse(one.out)).toEqual({
      sink: 'inventory',
      type: 'http',
      addresses: [receiver.url],
      deliveryId: expect.stringMatching(/^test-/) as string,
      message: expect.objectContaining({ method: 'POST', url: `${receiver.url}/hooks` }) as object,
      durationMs: expect.any(Number) as number,
      state: 'delivered',
      reason: null,
      answer: '200',
      remedy: null,
    });
    expect(deliveryId).toBe(`${(JSON.parse(message.body) as { id: string }).id}.0`);
    expect((JSON.parse(other.out) as Document).deliveryId).not.toBe(deliveryId);
  });

  it('goes to the only sink there is, and the file may be named by --config', async () => {
    const { code, out } = await run(['send', '--config', configuration('one.yaml', { only: { type: 'console' } })]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^to only \(console\)\n/)]);
  });
});

describe('--data', () => {
  it('is the payload, unchanged, that the texts of the sink read; whatever it calls itself, the event keeps its label', async () => {
    const payload = written('payload.json', '\uFEFF{ "team": "a/b", "name": "Fire", "type": "fire", "large": 9007199254740993 }\n');
    const { code, out } = await send('--sink', 'templated', '--data', payload);
    const request = receiver.received.at(-1);
    expect([code, request?.path, String(request?.body)]).toEqual([0, '/hooks/a%2Fb', '{"title":"Test message from castbridge","name":"Fire"}']);
    expect(out).toContain('\n  body: {"title":"Test message from castbridge","name":"Fire"}\n');
    await send('--sink', 'inventory', '--data', payload);
    expect(String(receiver.received.at(-1)?.body)).toContain(
      '"type":"castbridge.test","data":{ "team": "a/b", "name": "Fire", "type": "fire", "large": 9007199254740993 },"created":"',
    );
  });

  it('may come from standard input', () => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'send', file, '--sink', 'screen', '--data', '-'], {
      input: '[1]',
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('"type":"castbridge.test","data":[1],"created"')]);
  });
});

describe('a test message that is not delivered', () => {
  const again = '  a bridge would try it again: at most 1000 times in all, and for 1d (`retry`)';
  const dead = '  a bridge would make a dead letter of it at once';

  it.each<[string, string, { status: number; body?: string; headers?: Record<string, string> } | 'hang', ...string[]]>([
    ['a fault of the far side', 'inventory', { status: 500, body: 'out of order' }, 'http_500: 500 out of order', again, '  the far side failed'],
    [
      'a far side that wants a pause',
      'inventory',
      { status: 429, headers: { 'retry-after': '90' } },
      'http_429: 429',
      `${again}; the far side asks it to wait 1m30s`,
    ],
    ['one attempt allowed', 'once', { status: 500 }, 'http_500: 500', `${dead}: \`retry\` allows no second attempt`],
    [
      'a refusal',
      'inventory',
      { status: 422, body: 'no\nsuch \u001B[31mteam' },
      'http_422: 422 no such [31mteam',
      dead,
      '  the far side does not take this',
    ],
    ["a silence as long as the sink's own timeout", 'impatient', 'hang', 'timeout: no answer in time', again, '  look at the address'],
  ])('%s: tells the reason, what would follow, and what to look at', async (_, sink, answer, ...told) => {
    receiver.otherwise(answer);
    const before = receiver.received.length;
    const { code, out } = await send('--sink', sink);
    const [result = '', ...rest] = out.slice(out.indexOf('NOT ')).split('\n');
    const [said, ...following] = told;
    expect([code, result.replace(/\d+ ms/, '* ms')]).toEqual([1, `NOT delivered, after * ms: ${said}`]);
    following.forEach((line, index) => expect(rest[index]).toContain(line));
    expect(receiver.received.length - before, 'requests').toBe(1);
  });

  it('a port where nobody listens', async () => {
    const { code, out } = await send('--sink', 'nobody', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      1,
      {
        state: 'waiting',
        reason: 'refused',
        answer: 'the connection failed: ECONNREFUSED',
        remedy: expect.stringMatching(/^nothing listens/) as string,
      },
    ]);
  });

  it('a webhook that Slack does not know', async () => {
    slack.script({ status: 403, body: 'invalid_token' });
    const { code, out } = await send('--sink', 'ops');
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(
        /\nNOT delivered, after \d+ ms: slack_invalid_token: 403 invalid_token\n {2}a bridge would make a dead letter .*\n {2}look at the webhook /,
      ),
    ]);
  });

  it('a text that does not fit the event is told with --data, and nothing is sent', async () => {
    const before = receiver.received.length;
    const { code, out } = await send('--sink', 'templated');
    expect([code, out]).toEqual([1, expect.stringMatching(/^to templated .*\nNOT sent: render_error: .*team.*\n.*dead letter.*\n.*--data FILE/)]);
    expect(JSON.parse((await send('--sink', 'templated', '--json')).out)).toMatchObject({ message: null, state: 'dead', reason: 'render_error' });
    expect(receiver.received.length).toBe(before);
  });

  it.each([[[]], [['--json']]])('Ctrl-C ends it, and says that nobody knows (%j)', async (flags) => {
    receiver.otherwise('hang');
    const before = receiver.received.length;
    const child = spawn(process.execPath, [MAIN, 'send', file, '--sink', 'inventory', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (text) => (out += String(text)));
    await until(() => receiver.received.length > before);
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    if (flags.length > 0) expect(JSON.parse(out)).toMatchObject({ state: 'waiting', interrupted: true });
    else expect(out).toMatch(/\ninterrupted after \d+ ms: nobody knows whether it arrived\n$/);
  });
});

describe('a console sink', () => {
  it('writes its line between what is sent and what came of it; before the document of --json', async () => {
    const { code, out } = await run(['send', file, '--sink', 'screen']);
    const [target, shown, line, result] = out.split('\n');
    expect([code, target, shown, result]).toEqual([0, 'to screen (console)', `  line: ${line}`, expect.stringMatching(/^delivered, after \d+ ms$/)]);
    const [event, report] = (await run(['send', file, '--sink', 'screen', '--json'])).out.trimEnd().split('\n');
    expect([JSON.parse(event ?? ''), JSON.parse(report ?? '')]).toMatchObject([
      { type: 'castbridge.test' },
      { state: 'delivered', message: { line: event } },
    ]);
  });

  it.runIf(existsSync('/dev/full'))('is a no where standard output cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, 'send', file, '--sink', 'screen'], { stdio: ['ignore', full, 'ignore'] });
    closeSync(full);
    expect(await once(child, 'close')).toEqual([1, null]);
  });
});

describe('wrong usage', () => {
  it.each([
    ['no sink', [], /^castbridge: name the sink with --sink, one of inventory, once, .*, screen$/],
    ['a misspelt sink', ['--sink', 'screeen'], /^castbridge: no sink named "screeen"; did you mean "screen"\? known are: inventory, .*, screen$/],
    ['a sink that is nothing like one', ['--sink', 'warehouse'], /^castbridge: no sink named "warehouse"; known are: inventory, .*, screen$/],
    ['a payload that is not there', ['--sink', 'screen', '--data', 'nowhere.json'], /^castbridge: nowhere\.json cannot be read \(ENOENT\)$/],
    [
      'a payload without an end',
      ['--sink', 'screen', '--data', '/dev/zero'],
      /^castbridge: \/dev\/zero is larger than an event may be \(`server\.bodyLimit`: 1MiB\)$/,
    ],
    ['an option there is not', ['--snik', 'screen'], /^error: unknown option '--snik'\n\(Did you mean --sink\?\)/],
  ])('%s', async (_, args, told) => {
    const { code, out, err } = await send(...args);
    expect([code, out, err.trimEnd()]).toEqual([2, '', expect.stringMatching(told)]);
  });

  it('a payload that is no JSON: line and column, and nothing of what is in it', async () => {
    const { code, out, err } = await send('--sink', 'screen', '--data', written('secret.txt', CANARIES.webhook));
    expect([code, out, err]).toEqual([2, '', expect.stringContaining('secret.txt is not valid JSON at line 1, column 1: ')]);
    expect(canariesIn(err)).toEqual([]);
  });

  it('a configuration with a mistake is told by its line, and is a no', async () => {
    const { code, out, err } = await here(['send', written('bad.yaml', 'sinks: { ops: { type: slack, webhookUrl: "${NOT_SET_ANYWHERE}" } }\n')]);
    expect([code, out, err]).toEqual([
      1,
      '',
      expect.stringMatching(/bad\.yaml:1:\d+ {2}sinks\.ops\.webhookUrl: the environment variable NOT_SET_ANYWHERE is not set/),
    ]);
  });
});

describe('T47: secrets', () => {
  let config: string;
  beforeAll(async () => {
    const [login, query] = [`${CANARIES.user}:${CANARIES.password}@`, `?token=${CANARIES.query}`];
    const closed = await freePort();
    config = configuration('secrets.yaml', {
      echoing: { type: 'http', url: `${receiver.url.replace('//', `//${login}`)}/${query}`, headers: { 'x-auth': `Bearer ${CANARIES.header}` } },
      refused: { type: 'http', url: `http://${login}127.0.0.1:${closed}/${query}` },
      misrendered: { type: 'http', url: `${receiver.url}/${query}`, headers: { 'x-key': `${CANARIES.header} {event.data.none}` } },
      slack: { type: 'slack', webhookUrl: `${slack.url}/services/${CANARIES.slack}` },
      slackless: { type: 'slack', webhookUrl: `http://127.0.0.1:${closed}/services/${CANARIES.slack}` },
      kafka: { type: 'kafka', brokers: [`127.0.0.1:${closed}`], topic: 't', sasl: { mechanism: 'plain', username: 'u', password: CANARIES.sasl } },
    });
  });

  it.each(['echoing', 'refused', 'misrendered', 'slack', 'slackless', 'kafka'])('%s: shown nowhere', async (sink) => {
    receiver.otherwise('echo');
    slack.otherwise({ status: 404, body: `no_such_thing /services/${CANARIES.slack}` });
    const told = await Promise.all([[], ['--json']].map((flags) => here(['send', config, '--sink', sink, ...flags])));
    for (const { code, out, err } of told) {
      expect([code, err, canariesIn(out)]).toEqual([1, '', []]);
      expect(out).not.toBe('');
    }
  });

  it('and they were sent', () => {
    expect(canariesIn(JSON.stringify(receiver.received.map(({ path, headers }) => [path, headers])))).toEqual([
      'user',
      'password',
      'query',
      'header',
    ]);
    expect(slack.refused.some((answer) => canariesIn(answer).length > 0)).toBe(true);
  });
});

describeAnyKafka('a sink of Kafka', () => {
  let brokers: string[];
  let [topic, config] = ['', ''];
  beforeAll(async () => {
    brokers = await anyBrokers();
    topic = await createTopic(brokers);
    const kafka = { type: 'kafka', brokers, key: 'event.cluster.id' };
    config = configuration('kafka.yaml', { events: { ...kafka, topic }, nowhere: { ...kafka, topic: unusedTopic() } });
  }, START_MS);

  it('gets one record, with the key that the payload gives it', async () => {
    const { code, out } = await here(['send', config, '--sink', 'events', '--data', written('cluster.json', '{"cluster":{"id":"c-1"}}')]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^to events \\(kafka\\) at ${brokers.join(', ')}\n[^]*\ndelivered, after \\d+ ms: ${topic}\\[0\\]\n$`)),
    ]);
    const records = await readTopic(brokers, topic);
    expect(records.map(({ key, headers }) => [String(key), headers])).toEqual([
      ['c-1', expect.objectContaining({ 'castbridge-type': 'castbridge.test', 'castbridge-delivery-id': expect.stringMatching(/^test-/) as string })],
    ]);
  });

  it('with a topic that does not exist: says so, and that the bridge creates none', async () => {
    const { code, out } = await here(['send', config, '--sink', 'nowhere']);
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(
        /\nNOT delivered, after \d+ ms: unknown_topic_or_partition: .*\n {2}a bridge would try it again: .*\n {2}create the topic: /,
      ),
    ]);
  });
});

describe('closing', () => {
  it('a sink that never lets go of its far side is left', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { delivery, view } = testDelivery({ sink: 'stuck', id: 'test-1', sentBy: 'a@b', nowMs: 0, data: null });
    const close = vi.fn(() => new Promise<void>(() => undefined));
    const kind = {
      ...{ type: 'stuck', description: '', schema: {}, lane: { concurrency: 1, batch: 1, timeoutMs: 1, pacePerSecond: null } },
      prepare: () => () => null,
      preview: () => ({}),
      open: () => ({ send: () => Promise.resolve([{ kind: 'delivered' as const, answer: '' }]), close }),
    };
    const retry = { attempts: 1, initialMs: 1, maxMs: 1, maxAgeMs: 1 };
    const sink = {
      name: 'stuck',
      kind,
      config: {},
      lane: { ...kind.lane, burst: 1, digest: null, retry },
      deadTo: [],
      orderKey: null,
      render: () => null,
    };
    const sent = sendOnce(sink, { delivery, view, redact: String, environment: {}, stop: new AbortController().signal, onMessage: () => undefined });
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await sent).outcome).toEqual({ kind: 'delivered', answer: '' });
    expect(close).toHaveBeenCalledOnce();
  });
});

it.each([
  ['http_204', '`retryOn` or `rejectOn`'],
  ['http_302', 'redirects are not followed'],
  ['http_418', 'the far side does not take this'],
  ['http_503', 'the far side failed'],
  ['slack_invalid_blocks', '`text` and `blocks`'],
  ['slack_no_service', 'it was revoked'],
  ['constructor', 'look at what the far side answered'],
])('what to look at after %s', (reason, remedy) => {
  expect(remedyFor(reason)).toContain(remedy);
});
