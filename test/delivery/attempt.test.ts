import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWER_CHARS_MAX, type Outcome } from '../../src/core/outcome.js';
import { attempt } from '../../src/delivery/attempt.js';
import { createDeadlines } from '../../src/delivery/deadlines.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { configured, view } from '../sinks/sent.js';
import { due } from './lane-rig.js';

let receiver: HttpReceiver;
beforeAll(async () => {
  receiver = await startHttpReceiver();
});
afterAll(() => receiver.goAway());

/** One attempt at a sink as it stands in the YAML: its outcome is what the log, the API and the database are given. */
async function attempted(sink: object, stop = new AbortController().signal): Promise<Outcome> {
  const { open, render, redact } = configured(sink);
  const opened = open();
  try {
    const [outcome] = await attempt(
      [due('u1')],
      { sink: opened, render, view: () => view(), timeoutMs: 60_000, redact },
      createDeadlines(60_000, stop),
    );
    if (outcome === undefined) throw new Error('no outcome');
    return outcome;
  } finally {
    await opened.close();
  }
}

describe('T11: an event that its store says is damaged', () => {
  it('is rejected as damaged, and nothing of it is sent', async () => {
    const { open, render, redact } = configured({ type: 'http', url: `${receiver.url}/damaged` });
    const [sink, delivery] = [open(), due('u1')];
    const harmed = { ...delivery, event: { ...delivery.event, damaged: true } };
    const outcomes = await attempt(
      [harmed],
      { sink, render, view: () => view(), timeoutMs: 60_000, redact },
      createDeadlines(60_000, new AbortController().signal),
    );
    expect(outcomes).toMatchObject([{ kind: 'rejected', reason: 'damaged' }]);
    expect(receiver.received.filter(({ path }) => path === '/damaged')).toEqual([]);
    await sink.close();
  });
});

describe('T47: a secret that stands in the YAML', () => {
  const at = (userinfo: string, path: string): string => `${receiver.url.replace('://', `://${userinfo}`)}/${path}`;
  const CANARY = 'canary-7Qz5f1d0e';

  it.each<[string, (canary: string) => object, (canary: string) => string]>([
    ['the path', (canary) => ({ url: at('', canary) }), (canary) => canary],
    ['a path that goes on with what is computed', (canary) => ({ url: at('', `${canary}/{event.type}?n={event.id}`) }), (canary) => canary],
    ['the query', (canary) => ({ url: at('', `hook?a=b&token=${canary}`) }), (canary) => canary],
    ['a query of nothing else', (canary) => ({ url: at('', `hook?${canary}`) }), (canary) => canary],
    ['a query that is encoded', (canary) => ({ url: at('', `hook?token=${canary}%2fx+y`) }), (canary) => canary],
    ['the user’s name', (canary) => ({ url: at(`${canary}@`, 'hook') }), (canary) => btoa(`${canary}:`)],
    ['the password', (canary) => ({ url: at(`user:${canary}%40@`, 'hook') }), (canary) => btoa(`user:${canary}@`)],
    ['a header', (canary) => ({ url: at('', 'hook'), headers: { 'x-api-key': canary } }), (canary) => canary],
    ['a header behind its scheme', (canary) => ({ url: at('', 'hook'), headers: { authorization: `Bearer ${canary}` } }), (canary) => canary],
  ])('in %s is not shown when the far side sends the request back', async (_, parts, sent) => {
    receiver.script('echo');
    const outcome = await attempted({ type: 'http', ...parts(CANARY) });
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'http_400', answer: expect.stringContaining('[redacted]') as string });
    expect(JSON.stringify(outcome)).not.toContain(CANARY);
    expect(JSON.stringify(outcome)).not.toContain(sent(CANARY));
  });

  it('in the URL of a Slack webhook is not shown when the far side sends the request back', async () => {
    const path = 'services/T0/B0/x';
    receiver.script('echo');
    const outcome = await attempted({ type: 'slack', webhookUrl: at('', path) });
    expect(outcome).toMatchObject({ kind: 'retry', reason: 'http_400', answer: expect.stringContaining('[redacted]') as string });
    expect(JSON.stringify(outcome)).not.toContain(path);
  });

  it('is not shown in part where the answer is cut', async () => {
    const sink = { type: 'http', url: at('', 'hook'), headers: { 'x-api-key': CANARY } };
    for (let before = ANSWER_CHARS_MAX - 30; before <= ANSWER_CHARS_MAX; before++) {
      receiver.script({ status: 400, body: `${'x'.repeat(before)}${CANARY}` });
      const { answer } = await attempted(sink);
      expect(answer.length).toBeLessThanOrEqual(ANSWER_CHARS_MAX);
      expect(answer).not.toContain(CANARY.slice(0, 3));
    }
  });

  it('is not shown where the far side escapes its slashes', async () => {
    receiver.script({ status: 400, body: '{"key":"canary\\/7Qz5f1d0e"}' });
    const { answer } = await attempted({ type: 'http', url: at('', 'hook'), headers: { 'x-api-key': 'canary/7Qz5f1d0e' } });
    expect(answer).toBe('400 {"key":"[redacted]"}');
  });

  it('leaves words alone that everybody knows', async () => {
    receiver.script('echo');
    const { answer } = await attempted({
      type: 'http',
      url: at('user:secret-password@', 'webhooks/castai-events?dry=false'),
      headers: { accept: 'application/json', 'x-env': 'prod', 'x-cluster': 'the cluster {event.cluster.name}' },
    });
    expect(answer).toContain('/webhooks/castai-events?dry=false');
    expect(answer).toContain('application/json');
    expect(answer).toContain('the cluster prod-eu-1');
  });
});

it('an attempt that begins when everything stops ends at once', async () => {
  receiver.script('hang');
  const outcome = await attempted({ type: 'http', url: receiver.url }, AbortSignal.abort());
  expect(outcome).toMatchObject({ kind: 'retry', reason: 'timeout' });
});
