import { Type, type Static } from '../../schema/typebox.js';
import type { Polled, Poller, PollerKind } from '../../core/source.js';
import { Duration, TIMER } from '../../schema/values.js';
import { isObject, text } from '../format/fields.js';
import { ApiKeys, beginning, checkApi, failed, LIMIT, LIMIT_MIN, openApi, stateOf, type Page } from './castai-api.js';

const HOUR_MS = 3_600_000;

const Config = Type.Object({
  ...ApiKeys,
  fills: Type.String({
    description: 'name of the source that the webhooks are posted to, of `format: castai-notification`: what it has missed is kept as its own',
    examples: ['castai'],
  }),
  interval: Duration({ description: 'how long it waits between two looks', default: '10m', ...TIMER, min: '1s', max: '12h' }),
});
export type NotificationsConfig = Static<typeof Config>;

const PATH = '/v1/notifications';
const KEYS = ['items', 'notifications'];

/** Looks through Cast AI's list of notifications for what no webhook has brought. https://docs.cast.ai/reference/notificationapi_listnotifications */
export const castaiNotificationsPoll: PollerKind<NotificationsConfig> = {
  type: 'castai-notifications-poll',
  description:
    'Fills the gaps of a source that notifications are posted to: looks through `GET /v1/notifications`, which lists those of the last 24 hours under the same ids, and keeps what is not known yet as events of that source. It looks at every start, so after an outage too, and then at every `interval`. The bodies are those of the API, not of the template. As Cast AI’s documentation has it; not tried against a live account.',
  schema: Config,
  format: 'castai-notification',
  fills: ({ fills }) => fills,
  // A day, and the longest wait between two looks.
  repeatsMs: 36 * HOUR_MS,
  check: checkApi,
  open: createNotificationsPoller,
};

/** How far it has been read. */
interface State {
  /** What is older was there before the first look. RFC 3339. */
  readonly since: string;
  /** Where the next page is; null: at the newest again. */
  readonly cursor: string | null;
}

function createNotificationsPoller(config: NotificationsConfig): Poller {
  const api = openApi(config);
  return {
    async ask(kept, nowMs, signal) {
      const state = stateOf(kept) as State | null;
      if (state === null) {
        const page = await api.page(PATH, KEYS, { 'page.limit': String(LIMIT_MIN) }, nowMs, signal);
        return 'kind' in page ? page : begun(beginning(page.items.map(timeOf), page, nowMs), config.interval);
      }
      const { since, cursor } = state;
      const query = { 'page.limit': String(LIMIT), ...(cursor === null ? {} : { 'page.cursor': cursor }) };
      const page = await api.page(PATH, KEYS, query, nowMs, signal);
      if (!('kind' in page)) return newIn(page, state, config);
      if (page.kind !== 'failed' || page.question !== true || cursor === null) return page;
      return { ...page, state: JSON.stringify({ since, cursor: null } satisfies State) };
    },
    close: () => api.close(),
  };
}

function begun(since: string, waitMs: number): Polled {
  return { kind: 'events', bodies: [], state: JSON.stringify({ since, cursor: null } satisfies State), waitMs, note: `it begins at ${since}` };
}

function newIn({ bodies, items, cursor }: Page, { since, cursor: before }: State, { interval }: NotificationsConfig): Polled {
  if (cursor !== null && cursor === before) return failed('the API gave one cursor twice');
  const hasMore = cursor !== null && bodies.length > 0;
  const isNew = (time: string | null): boolean => time === null || Number.isNaN(Date.parse(time)) || Date.parse(time) >= Date.parse(since);
  return {
    kind: 'events',
    // It gives the newest first.
    bodies: bodies.filter((_, at) => isNew(timeOf(items[at]))).toReversed(),
    state: JSON.stringify({ since, cursor: hasMore ? cursor : null } satisfies State),
    waitMs: hasMore ? 0 : interval,
  };
}

function timeOf(item: unknown): string | null {
  return isObject(item) ? text(item, 'timestamp', 'createdAt', 'time') : null;
}
