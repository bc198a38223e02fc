import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../src/core/delivery.js';
import type { EventView } from '../../src/core/event.js';
import { defaultMessage, digestMessage, deadMessage, type SlackContent } from '../../src/sinks/slack-message.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { configured, sent, view } from './sent.js';

const dead: DeadLetter = {
  deliveryId: '7-c0ffee.2',
  sink: 'inventory',
  route: 'archive',
  reason: 'http_400',
  attempts: 1,
  detail: '400 unknown field "nodes"',
};

const DATE = '<!date^1768209846^{date_short_pretty} {time_secs}|2026-01-12 09:24:06 UTC>';

function textsIn(content: SlackContent): string {
  return JSON.stringify(content.blocks);
}

describe('a message without a template', () => {
  it('has severity and title, cluster and time, message, fields of the payload, and where it came from', () => {
    const event = view({
      data: { node_name: 'ip-10-0-1-7', instanceType: 'm6.large', cpu: 4, cluster: { region: 'eu-1', name: 'prod-eu-1' }, zones: ['a', 'b'] },
    });
    expect(defaultMessage(event, '<https://console.example/c1|Open on console.example>')).toEqual({
      text: '🔴 Node deletion failed on prod-eu-1: The node of prod-eu-1 is still there.',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: '🔴 Node deletion failed' } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: `critical  ·  *prod-eu-1*  ·  ${DATE}` }] },
        { type: 'section', text: { type: 'mrkdwn', text: 'The node of prod-eu-1 is still there.' } },
        {
          type: 'section',
          fields: ['*Node name*\nip-10-0-1-7', '*Instance type*\nm6.large', '*Cpu*\n4', '*Cluster region*\neu-1', '*Zones*\na, b'].map((text) => ({
            type: 'mrkdwn',
            text,
          })),
        },
        {
          type: 'context',
          elements: [{ type: 'mrkdwn', text: '`resource.created` from castai  ·  `evt_1`  ·  <https://console.example/c1|Open on console.example>' }],
        },
      ],
    });
  });

  it('is a message where an event says next to nothing', () => {
    const event = view({ severity: null, name: null, message: null, cluster: { id: null, name: null }, time: 'yesterday', data: null });
    expect(defaultMessage(event, null)).toEqual({
      text: '⚪ resource.created',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: '⚪ resource.created' } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: DATE.replace('9846', '9847').replace(':06', ':07') }] },
        { type: 'context', elements: [{ type: 'mrkdwn', text: '`resource.created` from castai  ·  `evt_1`' }] },
      ],
    });
  });

  it('says how many fields it leaves out', () => {
    const data = Object.fromEntries(Array.from({ length: 23 }, (_, n) => [`field${n}`, n]));
    const content = defaultMessage(view({ data }), null);
    expect(textsIn(content)).toContain('13 more fields');
    expect((content.blocks?.[3] as { fields: unknown[] }).fields).toHaveLength(10);
  });

  it.each([
    ['https://console.example/clusters/{event.cluster.id}', {}, '<https://console.example/clusters/c1a7c2f4|Open on console.example>'],
    ['https://console.example/clusters/{event.cluster.id}', { cluster: { id: '../<!here>|', name: null } }, '..%2F%3C!here%3E%7C|Open'],
    ['https://console.example/clusters/{event.cluster.id}', { cluster: { id: null, name: null } }, null],
    ['https://console.example/{event.data.nothing.at.all}', {}, null],
  ])('the link %s of %j', async (link, event, expected) => {
    const slack = await startSlackStandIn();
    expect(await sent({ type: 'slack', webhookUrl: slack.webhookUrl, link }, event)).toMatchObject({ kind: 'delivered' });
    const all = JSON.stringify(slack.posted[0]?.blocks);
    if (expected === null) expect(all).not.toContain('Open on');
    else expect(all).toContain(expected);
    expect(slack.posted[0]?.mentions).toEqual([]);
    await slack.goAway();
  });
});

describe('a dead letter', () => {
  it('says what became of the event, and what to do, before the event itself', () => {
    const event = view();
    const content = deadMessage(event, dead, defaultMessage(event, null));
    expect(content.text).toBe(
      '⚫ Dead letter: Node deletion failed. Not delivered to *inventory*: `http_400` after 1 attempt\n&gt; 400 unknown field "nodes"'.replace(
        '&gt;',
        '>',
      ),
    );
    expect(content.blocks?.[2]).toEqual({
      type: 'context',
      elements: [{ type: 'mrkdwn', text: 'Mend the cause, then `castbridge replay 7-c0ffee.2`' }],
    });
    expect(content.blocks?.slice(4)).toEqual(defaultMessage(event, null).blocks);
  });

  it('of a body that nothing could be read in shows its beginning, and pages nobody', () => {
    const slack = configured({ type: 'slack', webhookUrl: 'https://hooks.slack.com/services/T/B/X' });
    const event = view({ type: '', name: null, message: null, severity: null, data: null, body: null });
    const content = slack.render(event, Buffer.from(`not \`json\`\n<!channel> ${'🦊'.repeat(1_000)}`), {
      ...dead,
      sink: null,
      reason: 'undecodable',
      attempts: 0,
    }) as SlackContent;
    expect(content.text).toMatch(/^⚫ Dead letter: an event of castai\. It reached no sink: `undecodable` after 0 attempts/);
    expect(textsIn(content)).toMatch(/```not json &lt;!channel&gt; (🦊)+…```/u);
    expect(textsIn(content).length).toBeLessThan(2_000);
  });

  it('is marked whatever the template makes of it', () => {
    const slack = configured({ type: 'slack', webhookUrl: 'https://hooks.slack.com/services/T/B/X', text: 'all is well: {{ event.name }}' });
    const content = slack.render(view(), Buffer.from('{}'), dead) as SlackContent;
    expect(content.text).toMatch(/^⚫ Dead letter: Node deletion failed/);
    expect(textsIn(content)).toContain('all is well: Node deletion failed');
  });
});

describe('a digest', () => {
  const member = (event: EventView, letter: DeadLetter | null = null) => ({ event, dead: letter, content: () => defaultMessage(event, null) });
  const events = Array.from({ length: 30 }, (_, n) =>
    view({
      id: `evt_${n}`,
      type: n % 3 === 0 ? 'node.failed' : 'pod.evicted',
      severity: n === 17 ? 'critical' : 'warning',
      name: `Event ${n}`,
      cluster: { id: `c${n % 8}`, name: null },
      receivedAt: new Date(Date.UTC(2026, 0, 12, 9, 0, n)).toISOString(),
    }),
  );

  it('counts by type, severity and cluster, has the first and the most severe in full, and says how to see the rest', () => {
    const content = digestMessage({ sink: 'ops', group: null, members: events.map((event) => member(event)) });
    const [header, about, counts] = content.blocks ?? [];
    expect(header).toMatchObject({ text: { text: '🔴 30 events' } });
    expect(about).toMatchObject({
      elements: [{ text: expect.stringMatching(/09:00:00 UTC> to .*09:00:29 UTC>.*`castbridge deliveries --sink ops`$/) as string }],
    });
    expect(counts).toEqual({
      type: 'section',
      fields: [
        '*Type*\n20 × pod.evicted\n10 × node.failed',
        '*Severity*\n29 × warning\n1 × critical',
        '*Cluster*\n4 × c0\n4 × c1\n4 × c2\n4 × c3\n4 × c4\n10 × 3 others',
      ].map((text) => ({ type: 'mrkdwn', text })),
    });
    const all = textsIn(content);
    expect(all.indexOf('Event 0')).toBeGreaterThan(all.indexOf('*The first*'));
    expect(all.indexOf('Event 17')).toBeGreaterThan(all.indexOf('*The most severe*'));
    expect(all).not.toContain('Event 5');
  });

  it('of one cluster says which', () => {
    const content = digestMessage({ sink: 'ops', group: 'prod-1', members: events.map((event) => member(event)) });
    expect(content.text).toMatch(/^🔴 30 events: prod-1\. /);
  });

  it('of dead letters counts by reason and sink, and is none of events', () => {
    const content = digestMessage({ sink: 'ops', group: null, members: events.map((event) => member(event, dead)) });
    expect(content.blocks?.[0]).toMatchObject({ text: { text: '⚫ 30 dead letters' } });
    expect(textsIn(content)).toContain('*Reason*\\n30 × http_400');
    expect(textsIn(content)).toContain('*Sink*\\n30 × inventory');
    expect(textsIn(content)).toContain('castbridge deliveries --state dead');
  });

  it('shows an event whose template fails without it', () => {
    const fails = { ...member(events[0] ?? view()), content: () => expect.fail('render') };
    expect(textsIn(digestMessage({ sink: 'ops', group: null, members: [fails, member(view())] }))).toContain('Event 0');
  });
});

describe('T40: whatever an event holds, Slack takes', () => {
  let slack: SlackStandIn;
  beforeAll(async () => {
    slack = await startSlackStandIn();
  });
  afterAll(() => slack.goAway());

  const words = fc
    .array(fc.constantFrom('&', '<', '>', '🦊', '\ud83e', 'ü', 'x', ' ', '\n', '<!channel>', '<@U1>', '&amp;', '|', '`', '*', '\u0000', '\u202e'))
    .map((parts) => parts.join(''));
  const text = fc.tuple(words, fc.constantFrom(1, 50, 3_000, 20_000)).map(([part, times]) => part.repeat(times).slice(0, 50_000));
  const maybe = fc.option(text);
  const event = fc
    .record({
      type: text,
      severity: fc.oneof(fc.constantFrom('critical', 'info', null), text),
      name: maybe,
      message: maybe,
      cluster: fc.record({ id: maybe, name: maybe }),
      time: fc.oneof(fc.constantFrom(null, '2026-01-12T09:24:06Z', '+275760-09-13T00:00:00.001Z', '1970-01-01', '-000001-01-01T00:00:00Z'), text),
      data: fc.oneof(
        fc.jsonValue({ maxDepth: 4 }),
        fc.dictionary(text, fc.oneof(text, fc.double(), fc.array(text, { maxLength: 3 })), { maxKeys: 30 }),
      ),
    })
    .map((parts) => view(parts));
  const letter = fc.record({ ...fields(dead), reason: text, detail: text, sink: fc.option(fc.constant('inventory')) });

  function fields(value: DeadLetter) {
    return { deliveryId: fc.constant(value.deliveryId), route: fc.constant(value.route), attempts: fc.nat() };
  }

  async function taken(content: SlackContent): Promise<void> {
    const { open, message } = configured({ type: 'slack', webhookUrl: slack.webhookUrl });
    const opened = open();
    const before = slack.posted.length;
    expect(await opened.send([{ ...message(), content: content as never }], AbortSignal.timeout(5_000))).toMatchObject([{ kind: 'delivered' }]);
    expect(slack.posted.slice(before)).toMatchObject([{ mentions: [] }]);
    await opened.close();
  }

  it('as a message', () =>
    fc.assert(
      fc.asyncProperty(event, (one) => taken(defaultMessage(one, null))),
      { numRuns: 25 },
    ));

  it('as a dead letter', () =>
    fc.assert(
      fc.asyncProperty(event, letter, (one, about) => taken(deadMessage(one, about, defaultMessage(one, null)))),
      { numRuns: 25 },
    ));

  it('as a digest', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(event, fc.option(letter)), { minLength: 2, maxLength: 12 }), maybe, (members, group) =>
        taken(
          digestMessage({
            sink: 'ops',
            group,
            members: members.map(([one, about]) => ({
              event: one,
              dead: about,
              content: () => (about === null ? defaultMessage(one, null) : deadMessage(one, about, defaultMessage(one, null))),
            })),
          }),
        ),
      ),
      { numRuns: 25 },
    ));
});
