import { Type, type Static } from '../../schema/typebox.js';
import type { Polled, Poller, PollerKind } from '../../core/source.js';
import { Duration, TIMER } from '../../schema/values.js';
import { isObject, text } from '../format/fields.js';
import {
  ApiKeys,
  beginning,
  checkApi,
  clockMs,
  failed,
  latest,
  LIMIT,
  LIMIT_MIN,
  openApi,
  stateOf,
  type Page,
  type Query,
  type Refusal,
} from './castai-api.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Entries that are written late show up behind newer ones: so much is asked for again. Those that were seen are known by their ids. */
const OVERLAP_MS = 10 * MINUTE_MS;
/** What is further behind is read in pieces of this length, the oldest first: each is kept before the next is asked for. */
const PIECE_MS = DAY_MS;
/** The API keeps entries for 90 days. */
const RETENTION_MS = 90 * DAY_MS;

const Config = Type.Object({
  ...ApiKeys,
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
  format: 'castai-audit',
  // Where nothing new comes, the last entries are asked for again until a piece is complete.
  repeatsMs: 3 * PIECE_MS,
  check(config, report) {
    checkApi(config, report);
    const { from } = config;
    if (from !== 'now' && !isDay(from))
      report({ path: ['from'], what: 'there is no such day or time', remedy: 'write it as in 2026-01-12T00:00:00Z' });
  },
  open: createAuditPoller,
};

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(time: string): boolean {
  const ms = Date.parse(time);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(time.slice(0, 10));
}

/** How far it has been read. Times are RFC 3339. */
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

function createAuditPoller(config: AuditConfig): Poller {
  const api = openApi(config);
  const { cluster } = config;
  return {
    async ask(kept, nowMs, signal) {
      const get: Get = (query) => api.page('/v1/audit', ['items'], cluster === undefined ? query : { ...query, clusterId: cluster }, nowMs, signal);
      const state = stateOf(kept) as State | null;
      if (state !== null) return next(state, config, nowMs, get);
      if (config.from !== 'now') return begun(new Date(config.from).toISOString(), 0);
      const page = await get({ 'page.limit': String(LIMIT_MIN) });
      return 'kind' in page ? page : begun(beginning(timesOf(page), page, nowMs), config.interval);
    },
    close: () => api.close(),
  };
}

function begun(since: string, waitMs: number): Polled {
  const state: State = { since, through: since, round: null };
  return { kind: 'events', bodies: [], state: JSON.stringify(state), waitMs, note: `it begins at ${since}` };
}

type Get = (query: Query) => Promise<Page | Refusal>;

async function next(state: State, { interval }: AuditConfig, nowMs: number, get: Get): Promise<Polled> {
  const { round, note } = state.round === null ? newRound(state, nowMs) : { round: state.round, note: undefined };
  const { from, to, cursor } = round;
  const page = await get({
    'page.limit': String(LIMIT),
    fromDate: from,
    ...(to === null ? {} : { toDate: to }),
    ...(cursor === null ? {} : { 'page.cursor': cursor }),
  });
  if ('kind' in page) {
    // A cursor does not last for ever: the pages before it are asked for again, and known by their ids.
    if (page.kind !== 'failed' || page.question !== true || cursor === null) return page;
    return { ...page, state: JSON.stringify({ ...state, round: { ...round, cursor: null } }) };
  }
  if (page.cursor !== null && page.cursor === cursor) return failed('the API gave one cursor twice');
  const newest = latest([round.newest, ...timesOf(page).map((time) => notAfter(time, clockMs(page, nowMs)))]);
  const hasMore = page.cursor !== null && page.bodies.length > 0;
  const after = hasMore
    ? { ...state, round: { ...round, cursor: page.cursor, newest } }
    : { ...state, through: latest([state.through, newest, to]), round: null };
  return {
    kind: 'events',
    // It gives the newest first.
    bodies: page.bodies.toReversed(),
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

function timesOf({ items }: Page): (string | null)[] {
  return items.map((item) => (isObject(item) ? text(item, 'time') : null));
}

/** An entry of a time to come must not have what happens until then passed by. */
function notAfter(time: string | null, ms: number): string | null {
  return time !== null && Date.parse(time) > ms ? new Date(ms).toISOString() : time;
}
