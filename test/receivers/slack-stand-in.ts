import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readAll } from './http-receiver.js';

/** A message as Slack would take it. */
export interface Posted {
  readonly text: string | undefined;
  readonly blocks: readonly Record<string, unknown>[] | undefined;
  /** `<!channel>` and the like, as they would page people. */
  readonly mentions: readonly string[];
}

/** A stand-in for Slack's incoming webhooks, as strict as they are documented to be. */
export interface SlackStandIn {
  readonly webhookUrl: string;
  readonly posted: readonly Posted[];
  /** Words that were answered instead of `ok`. */
  readonly refused: readonly string[];
  /** The next posts are answered so, whatever is in them. */
  script(...answers: readonly { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }[]): void;
  /** Answers 429 with Retry-After above one message a second, after a burst of so many. Off at first. */
  limitRate(burst: number): void;
  close(): Promise<void>;
}

/** https://docs.slack.dev/reference/block-kit: what is checked here. */
const TEXT_MAX = 40_000;
const BLOCKS_MAX = 50;
const TEXTS: Readonly<Record<string, number>> = { header: 150, section: 3_000 };
const TYPES = ['section', 'header', 'divider', 'context', 'actions', 'image', 'input', 'rich_text', 'file', 'video', 'markdown'];

export async function startSlackStandIn(): Promise<SlackStandIn> {
  const posted: Posted[] = [];
  const refused: string[] = [];
  const scripted: { status: number; body: string; headers?: Readonly<Record<string, string>> }[] = [];
  let tokens = Infinity;
  let refilledMs = Date.now();
  let burst = Infinity;
  const path = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX';

  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const say = (status: number, word: string, headers: Readonly<Record<string, string>> = {}): void => {
        if (word !== 'ok') refused.push(word);
        response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(word);
      };
      const script = scripted.shift();
      if (script !== undefined) return say(script.status, script.body, script.headers);
      if (request.url !== path) return say(404, 'no_service');
      if (request.method !== 'POST') return say(405, 'method_not_allowed');
      if (!/^application\/json/.test(request.headers['content-type'] ?? '')) return say(400, 'invalid_payload');
      const nowMs = Date.now();
      tokens = Math.min(burst, tokens + (nowMs - refilledMs) / 1_000);
      refilledMs = nowMs;
      if (tokens < 1) return say(429, 'rate_limited', { 'retry-after': '1' });
      tokens -= 1;
      const verdict = judge(body);
      if (typeof verdict === 'string') return say(400, verdict);
      posted.push(verdict);
      return say(200, 'ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    posted,
    refused,
    script: (...answers) => void scripted.push(...answers),
    limitRate: (count) => {
      burst = tokens = count;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The message, or the word Slack would refuse it with. */
function judge(body: Buffer): Posted | string {
  let payload: unknown;
  try {
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return 'invalid_payload';
  }
  if (!isObject(payload)) return 'invalid_payload';
  const { text, blocks } = payload;
  if (text !== undefined && typeof text !== 'string') return 'invalid_payload';
  if ((text === undefined || text.trim() === '') && blocks === undefined) return 'no_text';
  if (text !== undefined && (text.length > TEXT_MAX || !wellFormed(text))) return 'msg_too_long';
  if (blocks !== undefined && !(Array.isArray(blocks) && blocks.length > 0 && blocks.length <= BLOCKS_MAX && blocks.every(isBlock)))
    return 'invalid_blocks';
  const all = JSON.stringify(payload);
  return { text, blocks: blocks as Posted['blocks'], mentions: all.match(/<![a-z]+[^>]*>/g) ?? [] };
}

function isBlock(block: unknown): boolean {
  if (!isObject(block) || typeof block['type'] !== 'string' || !TYPES.includes(block['type'])) return false;
  const { type, text, fields, elements } = block;
  if (type === 'header' && !(isText(text, TEXTS['header'] ?? 0) && isObject(text) && text['type'] === 'plain_text')) return false;
  if (type === 'section' && text === undefined && fields === undefined) return false;
  if (type === 'section' && text !== undefined && !isText(text, TEXTS['section'] ?? 0)) return false;
  if (fields !== undefined && !(Array.isArray(fields) && fields.length > 0 && fields.length <= 10 && fields.every((field) => isText(field, 2_000))))
    return false;
  if (type === 'context' && !(Array.isArray(elements) && elements.length > 0 && elements.length <= 10)) return false;
  return true;
}

function isText(text: unknown, max: number): boolean {
  if (!isObject(text) || (text['type'] !== 'mrkdwn' && text['type'] !== 'plain_text')) return false;
  const value = text['text'];
  return typeof value === 'string' && value.length > 0 && value.length <= max && wellFormed(value);
}

/** Whole characters only, and no entity or control sequence that was cut in two. */
function wellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text) && !/&(?!amp;|lt;|gt;)/.test(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
