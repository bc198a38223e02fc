import { Type, type Static } from 'typebox';
import { Agent } from 'undici';
import { retryAfterMs } from '../../core/retry-after.js';
import type { Polled, Poller, PollerKind } from '../../core/source.js';
import { Duration, Secret, TIMER } from '../../schema/values.js';
import { castaiAudit as format } from '../format/castai-audit.js';
import { isObject, own, text } from '../format/fields.js';
import { readJson } from '../format/json-body.js';
import { cutList } from '../format/list.js';
import { reportSecrets } from '../verify/secrets.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Entries an answer may hold: the most that the API gives, and that are written in one transaction. */
const LIMIT = 1_000;
const LIMIT_MIN = 10;
/** Entries that are written late show up behind newer ones: so much is asked for again. Those that were seen are known by their ids. */
const OVERLAP_MS = 10 * MINUTE_MS;
/** What is further behind is read in pieces of this length, the oldest first: each is kept before the next is asked for. */
const PIECE_MS = DAY_MS;
/** The API keeps entries for 90 days. */
const RETENTION_MS = 90 * DAY_MS;
/** How long an answer may take, and how large it may be. */
const ANSWER_MS = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const Config = Type.Object({
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
  cluster: Type.Optional(
    Type.String({
      description: 'id of the one cluster whose entries are asked for; without it, those of all',
      pattern: '^[A-Za-z0-9-]+$',
      examples: ['c1a7c2f4-0d35-4f0f-9a0f-0f2f6a1b7d10'],
    }),
  ),
  interval: Duration({ description: 'how long it waits when there is nothing more', default: '1m', ...TIMER, min: '1s' }),
  from: Type.String({
    description: 'where it begins the very first time: `now`, or a time of up to 90 days ago',
    default: 'now',
    pattern: '^(now|\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?Z)?)$',
    examples: ['2026-01-12T00:00:00Z'],
  }),
});
export type AuditConfig = Static<typeof Config>;

/** Asks Cast AI's audit log: where node, spot and rebalancing events are. https://docs.cast.ai/reference/auditapi_listauditentries */
export const castaiAuditPoll: PollerKind<AuditConfig> = {
  type: 'castai-audit-poll',
  description:
    'Asks Cast AI’s audit log, `GET /v1/audit`, for what no webhook carries: nodes that were added or interrupted, rebalancing, changes of policies. As its documentation has it; not tried against a live account. How far it has read is kept with the events, in one transaction: after a restart it goes on there, and after an outage it catches up, a day at a time, the oldest first. 401 and 403 stop it until the configuration is read again; `Retry-After` is honoured. Its events are as `format: castai-audit` reads them.',
  schema: Config,
  format: format.bare,
  // Where nothing new comes, the last entries are asked for again until a piece is complete.
  repeatsMs: 3 * PIECE_MS,
  check({ apiKey, from }, report) {
    reportSecrets([apiKey], ['apiKey'], report);
    if (from !== 'now' && Number.isNaN(Date.parse(from)))
      report({ path: ['from'], what: 'there is no such day or time', remedy: 'write it as in 2026-01-12T00:00:00Z' });
  },
  open: createAuditPoller,
};

/** How far it has read. Times are RFC 3339. */
interface State {
  /** Nothing before this is asked for, ever. */
  readonly since: string;
  /** Every entry up to this is kept, but for those that are written late. */
  readonly through: string;
  /** A question whose answer has several pages, of which some are kept. */
  readonly round: Round | null;
}

interface Round {
  readonly from: string;
  /** Null: up to the newest. */
  readonly to: string | null;
  readonly cursor: string | null;
  /** The newest time seen so far. */
  readonly newest: string;
}

/** `question`: what was asked is at fault. */
type Refusal = Exclude<Polled, { kind: 'events' }> & { readonly question?: true };

interface Page {
  readonly bodies: readonly Buffer[];
  readonly newest: string | null;
  readonly cursor: string | null;
  /** The API's own clock. */
  readonly date: string | null;
}

function createAuditPoller(config: AuditConfig): Poller {
  const agent = new Agent({ connections: 1, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });

  const get = async (query: Readonly<Record<string, string>>, nowMs: number, signal: AbortSignal): Promise<Page | Refusal> => {
    try {
      const answer = await agent.request({
        origin: config.url,
        path: `/v1/audit?${new URLSearchParams({ ...query, ...(config.cluster === undefined ? {} : { clusterId: config.cluster }) }).toString()}`,
        method: 'GET',
        headers: {
          'x-api-key': config.apiKey,
          accept: 'application/json',
          'user-agent': 'castbridge',
          ...(config.organization === undefined ? {} : { 'x-castai-organization-id': config.organization }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      const body = await readAll(answer.body);
      const refusal = refusalOf(answer.statusCode, [answer.headers['retry-after']].flat()[0] ?? null, nowMs);
      if (refusal !== null) return refusal;
      const date = [answer.headers['date']].flat()[0] ?? null;
      return (body === null ? null : pageOf(body, date)) ?? failed('the API answered what is no page of the audit log');
    } catch (error) {
      return failed(`the API did not answer: ${codeOf(error)}`);
    }
  };

  return {
    async ask(kept, nowMs, signal) {
      const state = kept === null ? null : stateOf(kept);
      if (state !== null) return next(state, config, nowMs, (query) => get(query, nowMs, signal));
      if (config.from !== 'now') return begun(new Date(config.from).toISOString(), 0);
      // By the API's clock, not by this machine's: an entry between the two would be lost.
      const newest = await get({ 'page.limit': String(LIMIT_MIN) }, nowMs, signal);
      if ('kind' in newest) return newest;
      const after = newest.newest === null ? Date.parse(newest.date ?? '') : Date.parse(newest.newest) + 1;
      return begun(new Date(Number.isNaN(after) ? nowMs : after).toISOString(), config.interval);
    },
    close: () => agent.destroy(),
  };
}

function begun(since: string, waitMs: number): Polled {
  const state: State = { since, through: since, round: null };
  return { kind: 'events', bodies: [], state: JSON.stringify(state), waitMs, note: `it begins at ${since}` };
}

type Get = (query: Readonly<Record<string, string>>) => Promise<Page | Refusal>;

async function next(state: State, { interval }: AuditConfig, nowMs: number, get: Get): Promise<Polled> {
  const { round, note } = state.round === null ? newRound(state, nowMs) : { round: state.round, note: undefined };
  const { from, to, cursor } = round;
  const page = await get({
    'page.limit': String(LIMIT),
    fromDate: from,
    ...(to === null ? {} : { toDate: to }),
    ...(cursor === null ? {} : { 'page.cursor': cursor }),
  });
  // A cursor does not last for ever: the pages before it are asked for again, and known by their ids.
  if ('kind' in page) {
    if (page.kind !== 'failed' || page.question !== true || cursor === null) return page;
    return { ...page, state: JSON.stringify({ ...state, round: { ...round, cursor: null } }) };
  }
  if (page.cursor !== null && page.cursor === cursor) return failed('the API gave one cursor twice');
  const newest = later(round.newest, page.newest);
  const hasMore = page.cursor !== null && page.bodies.length > 0;
  const after: State = hasMore
    ? { ...state, round: { ...round, cursor: page.cursor, newest } }
    : { ...state, through: later(later(state.through, newest), to), round: null };
  // It gives the newest first.
  const bodies = page.bodies.toReversed();
  return {
    kind: 'events',
    bodies,
    state: JSON.stringify(after),
    waitMs: hasMore || to !== null ? 0 : interval,
    ...(note === undefined ? {} : { note }),
  };
}

function newRound({ since, through }: State, nowMs: number): { round: Round; note?: string } {
  const wantedMs = Math.max(Date.parse(since), Date.parse(through) - OVERLAP_MS);
  const fromMs = Math.max(wantedMs, nowMs - RETENTION_MS);
  // Far from now: a piece must not reach where entries are still being written, even by a clock that is wrong.
  const toMs = nowMs - fromMs > 2 * PIECE_MS ? fromMs + PIECE_MS : null;
  const [from, to] = [new Date(fromMs).toISOString(), toMs === null ? null : new Date(toMs).toISOString()];
  const round = { from, to, cursor: null, newest: through };
  return fromMs === wantedMs ? { round } : { round, note: `the API keeps 90 days: what happened between ${through} and ${from} is lost` };
}

function later(one: string, other: string | null): string {
  return other !== null && Date.parse(other) > Date.parse(one) ? other : one;
}

function stateOf(kept: string): State | null {
  const json = readJson(Buffer.from(kept));
  return json.ok && isObject(json.body) ? (json.body as unknown as State) : null;
}

/** Null where it is no page. */
function pageOf(bytes: Buffer, date: string | null): Page | null {
  const json = readJson(bytes);
  const bodies = cutList(bytes, 'items');
  if (!json.ok || !isObject(json.body) || bodies === null || bodies.length > LIMIT) return null;
  const times = (own(json.body, 'items') as unknown[]).map((item) => (isObject(item) ? text(item, 'time') : null));
  const newest = times.reduce<string | null>(
    (last, time) => (time === null || Number.isNaN(Date.parse(time)) ? last : last === null ? time : later(last, time)),
    null,
  );
  return { bodies, newest, cursor: text(json.body, 'nextCursor'), date };
}

/** Null where it is none. */
function refusalOf(status: number, retryAfter: string | null, nowMs: number): Refusal | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401) return { kind: 'stopped', detail: 'the API answered 401: the API key is not valid' };
  if (status === 403)
    return { kind: 'stopped', detail: 'the API answered 403: the API key may not read the audit log, or not this organization or cluster' };
  const failure = { kind: 'failed', detail: `the API answered ${status}`, waitMs: retryAfterMs(retryAfter, nowMs) ?? null } as const;
  return QUESTION_FAULTS.includes(status) ? { ...failure, question: true } : failure;
}

const QUESTION_FAULTS = [400, 404, 410, 422];

function failed(detail: string): Refusal {
  return { kind: 'failed', detail, waitMs: null };
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
