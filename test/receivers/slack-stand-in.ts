import type { IncomingMessage } from 'node:http';
import { listen, type Listener } from './listener.js';

/** A message as Slack would take it. */
export interface Posted {
  readonly text: string | undefined;
  readonly blocks: readonly Record<string, unknown>[] | undefined;
  /** `<!channel>` and the like, as they would page people. */
  readonly mentions: readonly string[];
}

/** What the stand-in says whatever is in a post; `hang`: nothing at all. */
export type SlackAnswer = 'hang' | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

/** A stand-in for Slack's incoming webhooks, as strict as they are documented to be. */
export interface SlackStandIn extends Listener {
  readonly webhookUrl: string;
  readonly posted: Posted[];
  /** Words that were answered instead of `ok`. */
  readonly refused: readonly string[];
  /** The next posts are answered so, one each. */
  script(...answers: readonly SlackAnswer[]): void;
  /** All posts are answered so; null: by what is in them. */
  otherwise(answer: SlackAnswer | null): void;
  /** Answers 429 with Retry-After above one message a second, after a burst of so many. Off at first. */
  limitRate(burst: number): void;
  /** Takes what comes above one message a second, after a burst of so many, answers `ok`, and shows it to nobody: the messages go to `hidden` (T38). Off at first. */
  hideAbove(burst: number): void;
  readonly hidden: Posted[];
}

/** https://docs.slack.dev/reference/block-kit: what is checked here. */
const TEXT_MAX = 40_000;
const BLOCKS_MAX = 50;
/** Undocumented, and about 13,200 in what people measured: https://github.com/slackapi/bolt-js/issues/2509. */
const BLOCKS_CHARS_MAX = 12_000;
const TEXTS: Readonly<Record<string, number>> = { header: 150, section: 3_000 };
const TYPES = ['section', 'header', 'divider', 'context', 'actions', 'image', 'input', 'rich_text', 'file', 'video', 'markdown'];

export async function startSlackStandIn(): Promise<SlackStandIn> {
  const posted: Posted[] = [];
  const refused: string[] = [];
  const scripted: SlackAnswer[] = [];
  let usual: SlackAnswer | null = null;
  const hidden: Posted[] = [];
  let withinRate = (): boolean => true;
  let isShown = (): boolean => true;
  const path = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX';

  const take = (request: IncomingMessage, body: Buffer): Exclude<SlackAnswer, 'hang'> => {
    if (request.url !== path) return { status: 404, body: 'no_service' };
    if (request.method !== 'POST') return { status: 405, body: 'method_not_allowed' };
    if (!/^application\/json/.test(request.headers['content-type'] ?? '')) return { status: 400, body: 'invalid_payload' };
    if (!withinRate()) return { status: 429, body: 'rate_limited', headers: { 'retry-after': '1' } };
    const verdict = judge(body);
    if (typeof verdict === 'string') return { status: 400, body: verdict };
    (isShown() ? posted : hidden).push(verdict);
    return { status: 200, body: 'ok' };
  };

  const listener = await listen((request, body, response) => {
    const answer = scripted.shift() ?? usual ?? take(request, body);
    if (answer === 'hang') return;
    if (answer.body !== 'ok') refused.push(answer.body);
    response.writeHead(answer.status, { 'content-type': 'text/html', ...answer.headers }).end(answer.body);
  });
  return {
    ...listener,
    webhookUrl: `${listener.url}${path}`,
    posted,
    refused,
    script: (...answers) => void scripted.push(...answers),
    otherwise: (answer) => {
      usual = answer;
    },
    limitRate: (burst) => {
      withinRate = onePerSecond(burst);
    },
    hidden,
    hideAbove: (burst) => {
      isShown = onePerSecond(burst);
    },
  };
}

/** True for one call a second, and for `burst` of them at once. */
function onePerSecond(burst: number): () => boolean {
  let tokens = burst;
  let refilledMs = performance.now();
  return () => {
    const nowMs = performance.now();
    tokens = Math.min(burst, tokens + (nowMs - refilledMs) / 1_000);
    refilledMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
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
  if (blocks !== undefined && JSON.stringify(blocks).length > BLOCKS_CHARS_MAX) return 'msg_blocks_too_long';
  const all = JSON.stringify(payload);
  return { text, blocks: blocks as Posted['blocks'], mentions: all.match(/<!(?!date\^)[a-z]+[^>]*>/g) ?? [] };
}

function isBlock(block: unknown): boolean {
  if (!isObject(block) || typeof block['type'] !== 'string' || !TYPES.includes(block['type'])) return false;
  const { type, text, fields, elements, accessory } = block;
  if (type === 'header' && !(isText(text, TEXTS['header'] ?? 0) && isObject(text) && text['type'] === 'plain_text')) return false;
  if (type === 'section' && text === undefined && fields === undefined) return false;
  if (type === 'section' && text !== undefined && !isText(text, TEXTS['section'] ?? 0)) return false;
  if (fields !== undefined && !(Array.isArray(fields) && fields.length > 0 && fields.length <= 10 && fields.every((field) => isText(field, 2_000))))
    return false;
  if (type === 'image' && !isElement(block)) return false;
  if (type === 'markdown' && !isWords(text, 12_000)) return false;
  if (accessory !== undefined && !isElement(accessory)) return false;
  if (type === 'actions' && !(Array.isArray(elements) && elements.length > 0 && elements.length <= 25 && elements.every(isElement))) return false;
  if (type === 'context' && !(Array.isArray(elements) && elements.length > 0 && elements.length <= 10 && elements.every(isInContext))) return false;
  return true;
}

function isInContext(element: unknown): boolean {
  return isText(element, 3_000) || (isObject(element) && element['type'] === 'image' && isElement(element));
}

function isElement(element: unknown): boolean {
  if (!isObject(element)) return false;
  if (element['type'] === 'image') return isWords(element['alt_text'], 2_000) && (element['title'] === undefined || isText(element['title'], 2_000));
  if (element['type'] !== 'button') return true;
  const { text, value, url } = element;
  return isText(text, 75) && (value === undefined || isWords(value, 2_000)) && (url === undefined || isWords(url, 3_000));
}

function isText(text: unknown, max: number): boolean {
  return isObject(text) && (text['type'] === 'mrkdwn' || text['type'] === 'plain_text') && isWords(text['text'], max);
}

function isWords(value: unknown, max: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= max && wellFormed(value);
}

/** Whole characters only, and no entity or control sequence that was cut in two. */
function wellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text) && !/&(?!amp;|lt;|gt;)/.test(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
