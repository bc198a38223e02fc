import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fit } from '../../src/sinks/slack-text.js';
import { sinkContract } from '../contract/sink.js';
import { startForwardProxy } from '../receivers/forward-proxy.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { configured, sent } from './sent.js';

sinkContract('slack', async () => {
  const slack = await startSlackStandIn();
  return {
    ...slack,
    config: {
      type: 'slack',
      webhookUrl: slack.webhookUrl,
      text: '{{ event.id }}',
      blocks: [{ type: 'header', text: { type: 'plain_text', text: '{{ event.type }}' } }],
    },
    secrets: ['/services/T00000000'],
    arrived: () =>
      Promise.resolve(
        slack.posted.map(({ text, blocks }) => ({ eventId: text ?? '', deliveryId: null, body: null, sent: { text, ...(blocks && { blocks }) } })),
      ),
    hang: () => {
      slack.otherwise('hang');
      return Promise.resolve();
    },
    comeBack: async () => {
      slack.otherwise(null);
      await slack.comeBack();
    },
    close: () => slack.goAway(),
  };
});

describe('slack', () => {
  let slack: SlackStandIn;
  beforeAll(async () => {
    slack = await startSlackStandIn();
  });
  beforeEach(() => void slack.posted.splice(0));
  afterAll(() => slack.goAway());

  const sink = (parts: object = {}) => ({ type: 'slack', webhookUrl: slack.webhookUrl, ...parts });

  describe('T37, T39: Slack’s answers', () => {
    const PERMANENT = [
      'invalid_payload',
      'invalid_blocks',
      'no_text',
      'msg_too_long',
      'user_not_found',
      'channel_not_found',
      'channel_is_archived',
      'action_prohibited',
      'posting_to_general_channel_denied',
      'invalid_token',
      'no_active_hooks',
      'no_service',
      'no_service_id',
      'no_team',
      'team_disabled',
      'too_many_attachments',
    ];
    it.each(PERMANENT)('%s makes a dead letter, whatever status it comes with', async (word) => {
      for (const status of [200, 400, 403, 404, 410, 500]) {
        slack.script({ status, body: word });
        expect(await sent(sink())).toMatchObject({ kind: 'rejected', reason: `slack_${word}` });
      }
    });

    it.each([
      [200, '', 'slack_unexpected'],
      [200, '<html>maintenance</html>', 'slack_unexpected'],
      [400, 'something_new', 'http_400'],
      [403, '', 'http_403'],
      [404, '<html>not found</html>', 'http_404'],
      [500, 'rollup_error', 'http_500'],
      [503, 'service_unavailable', 'http_503'],
      [302, '', 'http_302'],
    ])('%i %j is tried again', async (status, body, reason) => {
      slack.script({ status, body, headers: { location: slack.webhookUrl } });
      expect(await sent(sink())).toMatchObject({ kind: 'retry', reason });
    });

    it('429 holds the sink for as long as Slack asks', async () => {
      slack.script({ status: 429, body: 'rate_limited', headers: { 'retry-after': '30' } });
      expect(await sent(sink())).toMatchObject({ kind: 'retry', reason: 'http_429', afterMs: 30_000, holdSink: true });
    });
  });

  describe('a text', () => {
    it('T41: pages nobody, unless the template itself does', async () => {
      await sent(sink({ text: '{{ event.name }}' }), { name: '<!channel> & <https://evil.example|click>' });
      await sent(sink({ text: '<!here> {{ event.name | raw }}' }), { name: '<!channel>' });
      expect(slack.posted).toMatchObject([
        { text: '&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;', mentions: [] },
        { mentions: ['<!here>', '<!channel>'] },
      ]);
    });

    it('that comes out empty is the event’s type: Slack refuses an empty one', async () => {
      expect(await sent(sink({ text: '{{ event.data.nothing }} ' }))).toMatchObject({ kind: 'delivered' });
      expect(slack.posted[0]?.text).toBe('resource.created');
    });
  });

  it('blocks are templates in every text, and are escaped like it', async () => {
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: '{{ event.name }}' } },
      { type: 'section', fields: [{ type: 'mrkdwn', text: '*Cluster* {{ event.cluster.name }}' }] },
    ];
    await sent(sink({ text: 'plain', blocks }), { cluster: { id: null, name: '<!here>' } });
    expect(slack.posted[0]).toMatchObject({
      text: 'plain',
      mentions: [],
      blocks: [{ text: { text: 'Node deletion failed' } }, { fields: [{ text: '*Cluster* &lt;!here&gt;' }] }],
    });
  });

  it('T40: any payload becomes a message that Slack takes, cut on a whole character and saying so', async () => {
    const title = { type: 'plain_text', text: '{{ event.name }}' };
    const button = { type: 'button', text: title, value: '{{ event.data }}', url: '{{ event.message }}' };
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: '{{ event.name }}' } },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: '{{ event.data }} {{ event.message }}' },
        fields: [{ type: 'mrkdwn', text: '{{ event.message }}' }],
      },
      { type: 'context', elements: [{ type: 'mrkdwn', text: '{{ event.data.a }}' }] },
      { type: 'section', text: { type: 'mrkdwn', text: '{{ event.name }}' }, accessory: button },
      { type: 'actions', elements: [button] },
      { type: 'image', image_url: 'https://images.example/a.png', alt_text: '{{ event.name }}', title },
      { type: 'markdown', text: '{{ event.message }}' },
    ];
    const { open, message } = configured(sink({ text: '{{ event.name }} {{ event.data }} {{ event.message }}', blocks }));
    const opened = open();
    const words = fc
      .array(fc.constantFrom('&', '<', '>', '🦊', '\ud83e', 'ü', 'x', ' ', '\n', '<!channel>', '&amp;', '|'))
      .map((parts) => parts.join(''));
    const text = fc.tuple(words, fc.constantFrom(1, 50, 3_000, 20_000)).map(([part, times]) => part.repeat(times).slice(0, 50_000));
    await fc.assert(
      fc.asyncProperty(text, text, fc.dictionary(fc.string(), fc.jsonValue()), async (name, detail, data) => {
        const before = slack.posted.length;
        expect(await opened.send([message({ name, message: detail, data })], AbortSignal.timeout(5_000))).toMatchObject([{ kind: 'delivered' }]);
        expect(slack.posted.slice(before)).toMatchObject([{ mentions: [] }]);
      }),
      { numRuns: 200 },
    );
    await opened.close();
    await sent(sink({ text: '{{ event.message }}' }), { message: '&'.repeat(10_000) });
    expect(slack.posted.at(-1)?.text).toMatch(/^(&amp;)+… \([\d,]+ more characters\)$/);
  });

  it.each([
    ['a link alone', `<https://x.example/${'a'.repeat(5_000)}|label>`, 3_000, /^… \([\d,]+ more characters\)$/],
    ['a link at the cut', `word ${'<https://x.example/a|label>'.repeat(200)}`, 3_000, /^word (<[^<>]+>)+… \([\d,]+ more characters\)$/],
    ['an entity at the cut', '&amp;'.repeat(31), 150, /^(&amp;){23}… \(8 more characters\)$/],
    ['a character at the cut', '🦊'.repeat(100), 150, /^(🦊){59}… \(41 more characters\)$/u],
    ['half a character', 'a\ud83e', 150, /^a\uFFFD$/],
    ['what is as long as it may be', 'x'.repeat(150), 150, /^x{150}$/],
    ['nothing but spaces', ' \n', 150, /^—$/],
  ])('fits %s into the limit', (_, text, max, expected) => {
    expect(fit(text, max)).toMatch(expected);
    expect(fit(text, max).length).toBeLessThanOrEqual(max);
  });

  it('leaves a template alone that is wrong in itself: Slack says so, and it is a dead letter', async () => {
    for (const block of [
      { type: 'section', fields: [] },
      { type: 'context', elements: [] },
    ]) {
      expect(await sent(sink({ blocks: [block] }))).toMatchObject({ kind: 'rejected', reason: 'slack_invalid_blocks' });
    }
  });

  it.each([
    ['https://hooks.slack.com/services/T/B/X', null],
    ['http://127.0.0.1:4000/x', null],
    ['http://hooks.slack.com/services/T/B/X', 'not https'],
    ['hooks.slack.com/services', 'no URL'],
    ['http://127.evil.example/x', 'not https'],
  ])('the URL %s: %s', (webhookUrl, what) => {
    const make = () => configured({ type: 'slack', webhookUrl });
    if (what === null) expect(make).not.toThrow();
    else expect(make).toThrow(what);
  });

  it('T38: is paced to one message a second, with a burst of three, where the YAML does not say otherwise', () => {
    expect(configured(sink()).lane).toMatchObject({ pacePerSecond: 1, burst: 3 });
    expect(configured(sink({ pace: '30/m' })).lane).toMatchObject({ pacePerSecond: 0.5, burst: 3 });
    expect(configured(sink({ pace: '20/s' })).lane).toMatchObject({ pacePerSecond: 20, burst: 20 });
    expect(configured(sink({ burst: 1 })).lane).toMatchObject({ pacePerSecond: 1, burst: 1 });
  });
});

it('goes through the proxy of the environment, where there is one', async () => {
  const proxy = await startForwardProxy();
  proxy.insteadOfTunnel({ status: 403 });
  const { open, message } = configured({ type: 'slack', webhookUrl: 'https://hooks.slack.example/services/T/B/X' });
  const opened = open({ environment: { HTTPS_PROXY: proxy.url } });
  expect(await opened.send([message()], AbortSignal.timeout(5_000))).toMatchObject([{ kind: 'retry', reason: 'proxy' }]);
  expect(proxy.asked).toMatchObject([{ method: 'CONNECT', target: 'hooks.slack.example:443' }]);
  await opened.close();
  await proxy.close();
});
