import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { deliveriesOf, postSigned, served, until, type Served } from './serve.js';

const SECRET = randomBytes(24).toString('hex');

/** How many a stand-in takes at once before it hides what comes above one a second: one more than the bridge sends, since what is sent apart can arrive together. */
const BURST = 4;

const yaml = (slack: SlackStandIn, more: string) => `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event }
sinks:
  ops: { type: slack, webhookUrl: "${slack.webhookUrl}", retry: { initial: 1s, max: 2s }${more} }
routes: [{ name: page, to: [ops] }]
`;

describe('T38: a flood reaches Slack as a handful of messages, none of them hidden and no event lost', () => {
  let slack: SlackStandIn;
  let bridge: Served;
  beforeEach(async () => {
    slack = await startSlackStandIn();
    slack.hideAbove(BURST);
  });
  afterEach(async () => {
    await bridge.cleanUp();
    await slack.goAway();
  });

  const serve = async (more = ''): Promise<void> => {
    bridge = await served(yaml(slack, more), { logLevel: 'warn' });
    await bridge.start();
  };
  const flood = async (count: number, dataOf: (n: number) => object): Promise<void> => {
    let next = 0;
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        for (let n = next++; n < count; n = next++) {
          const body = JSON.stringify({
            id: `evt_${n}`,
            type: n % 3 === 0 ? 'node.failed' : 'pod.evicted',
            data: dataOf(n),
            created: '2026-01-12T09:24:07Z',
          });
          expect((await postSigned(bridge.url, SECRET, Buffer.from(body))).status).toBe(200);
        }
      }),
    );
  };
  const count = async (state: string): Promise<number> => (await deliveriesOf(bridge, { state })).length;
  /** How many events the messages stand for: those of a digest are in its title. */
  const told = (): number =>
    slack.posted.reduce((sum, { blocks }) => {
      const [header] = (blocks ?? []) as { text?: { text?: string } }[];
      return sum + Number(/ ([\d,]+) events/.exec(header?.text?.text ?? '')?.[1]?.replace(',', '') ?? 1);
    }, 0);

  it('of 1,000 events', async () => {
    await serve();
    await flood(1_000, (n) => ({ severity: n === 500 ? 'critical' : 'warning', name: `Event ${n}`, clusterName: `prod-${n % 7}` }));
    await until(async () => (await count('waiting')) === 0);
    expect(await count('delivered')).toBe(1_000);
    expect(told()).toBe(1_000);
    expect(slack.posted.length).toBeLessThanOrEqual(20);
    expect([slack.hidden, slack.refused]).toEqual([[], []]);
    expect(JSON.stringify(slack.posted)).toContain('Event 500');
    const { out } = await bridge.here('events', 'show', 'evt_999', '--json');
    expect(out).toMatch(/one of \d+ in a digest: 200 ok/);
  }, 120_000);

  it('after kill -9 while Slack was away', async () => {
    await serve(', digest: { by: event.cluster.name, except: \'event.severity == "critical"\' }');
    slack.otherwise({ status: 503, body: 'service_unavailable' });
    await flood(300, (n) => ({ severity: n === 7 ? 'critical' : 'info', name: `Event ${n}`, clusterName: `prod-${n % 3}` }));
    await until(() => slack.refused.length > 0);
    await bridge.kill();
    slack.otherwise(null);
    await bridge.start();
    await until(async () => (await count('waiting')) === 0);
    expect(await count('delivered')).toBe(300);
    expect(told()).toBe(300);
    expect(slack.posted.length).toBeLessThanOrEqual(20);
    expect(slack.hidden).toEqual([]);
    const titles = slack.posted.map(({ blocks }) => (blocks?.[0] as { text: { text: string } }).text.text);
    expect(titles.filter((title) => /events: prod-[012]$/.test(title)).length).toBeGreaterThan(0);
    expect(titles).toContain('🔴 Event 7');
  }, 120_000);
});
