import { Type, type Static } from '../../schema/typebox.js';
import { Agent } from 'undici';
import type { Report } from '../../core/problem.js';
import { retryAfterMs } from '../../core/retry-after.js';
import { reportSecrets } from '../../core/secret.js';
import type { Polled } from '../../core/source.js';
import { Secret } from '../../schema/values.js';
import { isObject, own, text } from '../format/fields.js';
import { readJson } from '../format/json-body.js';
import { cutList } from '../format/list.js';

/** Entries an answer may hold: the most that the API gives, and that are written in one transaction. */
export const LIMIT = 1_000;
export const LIMIT_MIN = 10;
/** How long an answer may take, and how large it may be. */
const ANSWER_MS = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The keys by which Cast AI's API is reached. */
export const ApiKeys = {
  apiKey: Secret({ description: 'key of the API, with read access', examples: ['${CASTAI_API_KEY}'] }),
  url: Type.String({
    description: 'the API of the region',
    default: 'https://api.cast.ai',
    pattern: '^https?://[^/?#]+/?$',
    examples: ['https://api.eu.cast.ai'],
  }),
  organization: Type.Optional(
    Type.String({
      description: 'id of the organization, where the key belongs to several',
      pattern: '^[A-Za-z0-9-]+$',
      examples: ['3f7c1c58-32f0-4a3c-8d6d-5f1f1f0a9e77'],
    }),
  ),
};
type ApiConfig = Static<Type.TObject<typeof ApiKeys>>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Reports what a schema cannot see. */
export function checkApi({ apiKey, url }: ApiConfig, report: Report): void {
  const remedy = 'write it as in https://api.cast.ai';
  if (!URL.canParse(url)) report({ path: ['url'], what: 'this is no URL', remedy });
  else if (new URL(url).protocol === 'http:' && !LOOPBACK.test(new URL(url).hostname))
    report({ path: ['url'], what: 'the API key would be sent unencrypted', remedy });
  reportSecrets([apiKey], [], (problem) => report({ ...problem, path: ['apiKey'] }));
  if (/[^\x21-\x7e]/.test(apiKey))
    report({ path: ['apiKey'], what: 'the key holds a character that a header cannot carry', remedy: 'copy it whole, without spaces' });
}

/** A page of a list, the newest first as the API gives it. */
export interface Page {
  readonly bodies: readonly Buffer[];
  readonly items: readonly unknown[];
  /** Null: there is nothing behind it. */
  readonly cursor: string | null;
  /** The API's own clock; null where it does not say. */
  readonly date: string | null;
}

/** `question`: what was asked is at fault. */
export type Refusal = Exclude<Polled, { kind: 'events' }> & { readonly question?: true };

export type Query = Readonly<Record<string, string>>;

/** Cast AI's API, as its documentation has it. */
export interface Api {
  /** One page of the list at `path`, which stands under one of `keys`. Never throws for what the API did. */
  page(path: string, keys: readonly string[], query: Query, nowMs: number, signal: AbortSignal): Promise<Page | Refusal>;
  close(): Promise<void>;
}

export function openApi({ apiKey, url, organization }: ApiConfig): Api {
  const agent = new Agent({ connections: 1, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
  const { origin } = new URL(url);
  const headers = {
    'x-api-key': apiKey,
    accept: 'application/json',
    'user-agent': 'castbridge',
    ...(organization === undefined ? {} : { 'x-castai-organization-id': organization }),
  };
  return {
    async page(path, keys, query, nowMs, signal) {
      try {
        const answer = await agent.request({
          origin,
          path: `${path}?${new URLSearchParams(query).toString()}`,
          method: 'GET',
          headers,
          signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
        });
        const body = await readAll(answer.body);
        const refusal = refusalOf(answer.statusCode, [answer.headers['retry-after']].flat()[0] ?? null, nowMs);
        if (refusal !== null) return refusal;
        const date = [answer.headers['date']].flat()[0] ?? null;
        return (body === null ? null : pageOf(body, keys, date)) ?? failed('the API answered what is no list of entries');
      } catch (error) {
        return failed(`the API did not answer: ${codeOf(error)}`);
      }
    },
    close: () => agent.destroy(),
  };
}

/** Null where it is none. */
function pageOf(bytes: Buffer, keys: readonly string[], date: string | null): Page | null {
  const json = readJson(bytes);
  if (!json.ok || !isObject(json.body)) return null;
  for (const key of keys) {
    const bodies = cutList(bytes, key);
    if (bodies !== null && bodies.length <= LIMIT)
      return { bodies, items: own(json.body, key) as unknown[], cursor: text(json.body, 'nextCursor'), date };
  }
  return null;
}

/** Null where it is none. */
function refusalOf(status: number, retryAfter: string | null, nowMs: number): Refusal | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401) return { kind: 'stopped', detail: 'the API answered 401: the API key is not valid' };
  if (status === 403)
    return { kind: 'stopped', detail: 'the API answered 403: the API key may not read this, or not of this organization or cluster' };
  const failure = { kind: 'failed', detail: `the API answered ${status}`, waitMs: retryAfterMs(retryAfter, nowMs) ?? null } as const;
  return QUESTION_FAULTS.includes(status) ? { ...failure, question: true } : failure;
}

const QUESTION_FAULTS = [400, 404, 410, 422];

export function failed(detail: string): Refusal {
  return { kind: 'failed', detail, waitMs: null };
}

/** Where to begin, after what is there already. RFC 3339. */
export function beginning(times: readonly (string | null)[], page: Page, nowMs: number): string {
  const newest = latest(times);
  const latestMs = clockMs(page, nowMs);
  return new Date(newest === null ? latestMs - SECOND_MS : Math.min(Date.parse(newest) + 1, latestMs)).toISOString();
}

const SECOND_MS = 1_000;

/** The end of this second, by the clock of the API: by that of this machine, what happens between the two would be passed by. */
export function clockMs({ date }: Page, nowMs: number): number {
  const ms = Date.parse(date ?? '');
  return (Number.isNaN(ms) ? nowMs : ms) + SECOND_MS;
}

/** The latest of these times; null where none is one. */
export function latest(times: readonly (string | null)[]): string | null {
  return times.reduce((last, time) => {
    if (time === null || Number.isNaN(Date.parse(time))) return last;
    return last === null || Date.parse(time) > Date.parse(last) ? time : last;
  }, null);
}

/** What an answer was kept with, as the same poller wrote it; null where it is none. */
export function stateOf(kept: string | null): unknown {
  const json = kept === null ? null : readJson(Buffer.from(kept));
  return json?.ok === true && isObject(json.body) ? json.body : null;
}

/** Null where it is larger than a page can be. */
async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) return null;
  }
  return Buffer.concat(chunks);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'not in time';
  return error instanceof Error && 'code' in error ? String(error.code) : 'the connection failed';
}
