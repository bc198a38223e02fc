import { IncomingWebhook } from '@slack/webhook';
import { Type, type Static } from '../schema/typebox.js';
import { lookup } from 'node:dns';
import type { EventView } from '../core/event.js';
import type { Outcome } from '../core/outcome.js';
import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import type { Compiler, Message, Sink, SinkContext, SinkKind } from '../core/sink.js';
import { escapeSlack, slackLink } from '../core/slack-markup.js';
import { Secret } from '../schema/values.js';
import { faultOutcome, retryOutcome, type HttpAnswer } from './answer.js';
import { createConnections, type Connections } from './http-connect.js';
import { secretsOfUrl } from './secrets.js';
import { defaultMessage, defaultText, deadMessage, digestMessage, textOf, unreadMessage, type SlackContent } from './slack-message.js';
import { BLOCKS_MAX, COUNTS, fitBlocks, type Block } from './slack-text.js';
import { compileTexts } from './texts.js';

const Config = Type.Object(
  {
    webhookUrl: Secret({ description: 'the incoming webhook’s URL', examples: ['${SLACK_OPS_URL}'] }),
    text: Type.Optional(
      Type.String({
        description: 'a Liquid template; with blocks, what notifications show',
        minLength: 1,
        examples: ['*{{ event.name | default: event.type }}* on {{ event.cluster.name }}'],
      }),
    ),
    blocks: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown()), {
        description: 'Block Kit blocks; every text in them is a Liquid template',
        minItems: 1,
        maxItems: BLOCKS_MAX,
        examples: [[{ type: 'section', text: { type: 'mrkdwn', text: '{{ event.name }}' } }]],
      }),
    ),
    link: Type.Optional(
      Type.String({
        description:
          'where an event can be seen, in the message without a template; may hold CEL in braces behind the host. An event for which a part of it is empty has no link',
        examples: ['https://console.cast.ai/external-clusters/{event.cluster.id}'],
      }),
    ),
  },
  { additionalProperties: false },
);
type Config = Static<typeof Config>;

/** Posts to an incoming webhook. */
export const slack: SinkKind<Config, SlackContent> = {
  type: 'slack',
  description:
    'One message an event through an incoming webhook. Without `text` and `blocks` it shows severity, title, cluster, time in the reader’s own zone, message, and the fields of the payload. `&`, `<` and `>` are escaped in every value a template puts out, unless it is filtered by `raw`; texts over Slack’s limits are cut, and say so. Paced to one message a second, with a burst of three: above that, Slack hides messages without an error. Sinks of one webhook share its pace. It goes through the proxy of the environment (HTTPS_PROXY, NO_PROXY), where there is one.',
  schema: Config,
  lane: { concurrency: 1, batch: 1, timeoutMs: 10_000, pacePerSecond: 1, burst: 3 },

  prepare(config, compiler, report) {
    const fault = urlFault(config.webhookUrl);
    if (fault !== null) report({ path: ['webhookUrl'], ...fault });
    const text = config.text === undefined ? null : compiler.template(config.text, ['text'], escapeSlack);
    for (const problem of (config.blocks ?? []).flatMap(blockFaults)) report(problem);
    const blocks =
      config.blocks === undefined
        ? null
        : compileTexts(config.blocks, ['blocks'], { text: (source, path) => compiler.template(source, path, escapeSlack) });
    const link = linkOf(config, compiler, report);
    const render = (event: EventView): SlackContent => {
      if (text === null && blocks === null) return defaultMessage(event, link(event));
      return {
        text: text === null ? defaultText(event) : textOf(text(event), event),
        blocks: blocks === null ? null : fitBlocks(blocks(event) as Block[]),
      };
    };
    return (event, body, dead) =>
      dead === null ? render(event) : deadMessage(event, dead, event.body === null ? unreadMessage(event, body) : render(event));
  },

  digest: digestMessage,

  preview: (_config, { content }) => payloadOf(content),

  /** A server may show the path alone, or a part of it. */
  secrets: ({ webhookUrl }) => [...pathOf(webhookUrl), ...secretsOfUrl(webhookUrl)],

  /** Slack counts for each webhook. */
  pacedBy: ({ webhookUrl }) => webhookUrl,

  open: openSlack,
};

/** What Slack would refuse whatever an event holds. */
function blockFaults(block: Block, index: number): Problem[] {
  const type = block['type'];
  const path = ['blocks', index];
  if (typeof type !== 'string') return [{ path, what: 'a block has a type', remedy: `add \`type:\`, one of ${BLOCK_TYPES.join(', ')}` }];
  if (!BLOCK_TYPES.includes(type)) return [{ path: [...path, 'type'], what: `Slack has no block "${type}"`, remedy: suggest(type, BLOCK_TYPES) }];
  const { key, max } = COUNTS[type] ?? { key: '', max: 0 };
  const list = block[key];
  if (Array.isArray(list) && list.length > max)
    return [
      {
        path: [...path, key],
        what: `Slack takes ${max} ${key} in a ${type}, and here are ${list.length}`,
        remedy: 'make a second block of the rest',
      },
    ];
  const text = block['text'] as { readonly type?: unknown } | null | undefined;
  const kinds = type === 'header' ? ['plain_text'] : type === 'section' ? ['mrkdwn', 'plain_text'] : null;
  if (kinds === null || (text === undefined && type === 'section' && block['fields'] !== undefined)) return [];
  if (kinds.includes(String(text?.type))) return [];
  return [
    {
      path: text === undefined ? path : [...path, 'text'],
      what: `the text of a ${type} is a mapping with its type`,
      remedy: `write text: { type: ${kinds[0] ?? ''}, text: "…" }`,
    },
  ];
}

const BLOCK_TYPES = ['section', 'header', 'divider', 'context', 'actions', 'image', 'markdown', 'rich_text', 'video', 'file', 'input', 'table'];

/** The link of the default message, as markup. */
function linkOf({ link, text, blocks }: Config, compiler: Compiler, report: Report): (event: EventView) => string | null {
  if (link === undefined) return () => null;
  if (text !== undefined || blocks !== undefined)
    report({
      path: ['link'],
      what: 'a link belongs to the message without a template',
      remedy: 'delete it, and write {{ "https://…" | slack-link: "Open" }} where the template is to have it',
    });
  const url = compiler.interpolated(link, ['link'], (value) => {
    if (value === '') throw new Error('a part of the link is empty');
    return encodeURIComponent(value);
  });
  const host = /^https?:\/\/([^/?#{]+)([/?#]|$)/.exec(url.literalPrefix)?.[1];
  if (host === undefined)
    report({
      path: ['link'],
      what: 'this is no http or https URL with its host',
      remedy: 'write it as in https://host.example/path; braces only behind the host',
    });
  return (event) => {
    try {
      return slackLink(url.render(event), `Open on ${host ?? ''}`);
    } catch {
      return null;
    }
  };
}

function pathOf(webhookUrl: string): string[] {
  if (!URL.canParse(webhookUrl)) return [];
  const { pathname } = new URL(webhookUrl);
  return pathname === '/' ? [] : [pathname];
}

/** Loopback is for stand-ins in tests. */
function urlFault(text: string): Pick<Problem, 'what' | 'remedy'> | null {
  const remedy = 'copy it from the app’s page: https://hooks.slack.com/services/…';
  if (!URL.canParse(text) || /^\w+:\/{3}/.test(text)) return { what: 'the webhook’s URL is no URL', remedy };
  const { protocol, hostname } = new URL(text);
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && loopback) ? null : { what: 'the webhook’s URL is not https', remedy };
}

function openSlack({ webhookUrl }: Config, { environment }: Pick<SinkContext, 'environment'>): Sink<SlackContent> {
  const connections = createConnections({ url: webhookUrl, deny: [], proxy: 'environment' }, { lookup, environment });

  const sendOne = async ({ content }: Message<SlackContent>, signal: AbortSignal): Promise<Outcome> => {
    const answers: HttpAnswer[] = [];
    // The library's own result and error hide the status and Retry-After: this fetch keeps them, and the outcome is made of them alone.
    const fetch = async (url: string | URL, init: PostInit = {}) => {
      const answer = await post(connections, url, init, signal);
      answers.push(answer);
      return answerForLibrary(answer, String(url));
    };
    const webhook = new IncomingWebhook(webhookUrl, { fetch, retryConfig: { retries: 0 } });
    const failed = await webhook.send(payloadOf(content)).then(
      () => null,
      (error: unknown) => error,
    );
    const [answer] = answers;
    if (answer !== undefined) return classify(answer);
    return faultOutcome(failed instanceof Error && 'original' in failed ? failed.original : failed, signal);
  };

  return {
    send: (batch, signal) => Promise.all(batch.map((message) => sendOne(message, signal))),
    close: () => connections.close(),
  };
}

/** What Slack is given. */
function payloadOf({ text, blocks }: SlackContent) {
  return { text, ...(blocks === null ? {} : { blocks: blocks as never }) };
}

interface PostInit {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

function post(connections: Connections, url: string | URL, { headers = {}, body }: PostInit, signal: AbortSignal): Promise<HttpAnswer> {
  return connections.request(new URL(url), { method: 'POST', headers, body: String(body), signal });
}

function answerForLibrary({ status, text }: HttpAnswer, url: string) {
  return {
    ok: status < 400,
    status,
    statusText: '',
    url,
    headers: { get: () => null, entries: () => [][Symbol.iterator]() },
    arrayBuffer: () => Promise.reject(new Error('not used')),
    json: () => Promise.reject(new Error('not used')),
    text: () => Promise.resolve(text),
  };
}

/** Errors that no later attempt heals: of the message, or of the webhook itself. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const PERMANENT = new Set([
  'invalid_payload',
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_attachments',
  'no_text',
  'missing_text_or_fallback_or_attachments',
  'msg_too_long',
  'msg_blocks_too_long',
  'too_many_attachments',
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
]);

/** Slack answers `ok`, or an error's name: also with 200 (T39). What it does not name is tried again. */
function classify({ status, retryAfter, text }: HttpAnswer): Outcome {
  const word = text.trim();
  const answer = `${status} ${word}`.trim();
  if (status === 200 && (word === 'ok' || word === '{"ok":true}')) return { kind: 'delivered', answer };
  const name = /^[a-z_]+/.exec(word)?.[0] ?? '';
  if (PERMANENT.has(name)) return { kind: 'rejected', reason: `slack_${name}`, answer };
  return retryOutcome({ reason: status === 200 ? 'slack_unexpected' : `http_${status}`, answer }, { status, retryAfter }, Date.now());
}
