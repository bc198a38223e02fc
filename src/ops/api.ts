import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { eventUidIn } from '../core/delivery.js';
import type { Log } from '../core/sink.js';
import type { DeliveryFilter, Store } from '../core/store.js';
import type { Replayer } from '../delivery/replay.js';
import { presentDelivery, presentStory } from './present.js';

interface ApiDependencies {
  readonly store: Pick<Store, 'deliveries' | 'stories' | 'forget'>;
  readonly replayer: Replayer;
  readonly log: Log;
}

const PAGE_MAX = 1_000;
const PAGE = 100;
const IDS_MAX = 1_000;
const BODY_MAX = '1mb';
const STATES = ['waiting', 'delivered', 'dead'] as const;

/** The API behind the commands `deliveries`, `events`, `replay` and `forget`. */
export function addApi(router: Router, { store, replayer, log }: ApiDependencies): void {
  router.get('/api/deliveries', async (context) => {
    const { filter, limit, before } = listingOf(context);
    const page = await store.deliveries(filter, limit, before);
    context.body = { deliveries: page.rows.map(presentDelivery), next: page.next };
  });

  router.get('/api/events/:id', async (context) => {
    const id = context.params['id'] ?? '';
    const uid = eventUidIn(id);
    const found = await store.stories(id);
    // A delivery's id names its event too.
    const stories = found.length === 0 && uid !== null ? await store.stories(uid) : found;
    if (stories.length === 0) context.throw(404, `there is no event "${id}": it was never accepted, or is past its retention`);
    // For those who go on with the body: half of it would be another event.
    const bodyBytesMax = context.query['body'] === 'whole' ? Infinity : undefined;
    context.body = { events: stories.map((story) => presentStory(story, bodyBytesMax)) };
  });

  const body = koaBody({ json: true, urlencoded: false, text: false, multipart: false, jsonLimit: BODY_MAX });
  router.post('/api/forget', body, async (context) => {
    const ids = idsOf(context, objectOf(context, '{"ids": […]}')['ids']);
    const known = await store.forget(ids);
    const unknown = ids.filter((_, at) => known[at] !== true);
    log.info({ ids, unknown: unknown.length }, 'forget');
    context.body = { forgotten: ids.length - unknown.length, unknown };
  });

  router.post('/api/replay', body, async (context) => {
    const asked = replayOf(context);
    const report = 'ids' in asked ? await replayer.replay(asked.ids) : await replayer.replayPage(asked.filter, asked.before);
    log.info({ ...asked, replayed: report.replayed, refused: report.refused.length }, 'replay');
    context.body = report;
  });
}

function listingOf(context: Context): { filter: DeliveryFilter; limit: number; before: string | null } {
  const { state, sink, reason, limit, before } = context.query;
  const known = STATES.find((one) => one === state);
  if (state !== undefined && known === undefined) context.throw(400, `state is one of ${STATES.join(', ')}`);
  const count = limit === undefined ? PAGE : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > PAGE_MAX) context.throw(400, `limit is a whole number from 1 to ${PAGE_MAX}`);
  return { filter: { ...(known === undefined ? {} : { state: known }), ...texts(context, { sink, reason }) }, limit: count, before: textOf(before) };
}

/** What a request to replay names: ids, or everything of a sink or with a reason, a page a request. */
type Asked =
  | { readonly ids: readonly string[] }
  | { readonly filter: DeliveryFilter & { readonly state: 'dead' | 'delivered' }; readonly before: string | null };

function replayOf(context: Context): Asked {
  const { ids, sink, reason, state = 'dead', before } = objectOf(context, '{"ids": […]}, or {"sink", "reason", "state", "before"}');
  if (ids !== undefined) return { ids: idsOf(context, ids) };
  if (state !== 'dead' && state !== 'delivered') context.throw(400, 'state is dead or delivered');
  if (sink === undefined && reason === undefined) context.throw(400, 'name ids, a sink or a reason');
  return { filter: { state, ...texts(context, { sink, reason }) }, before: textOf(before) };
}

function objectOf(context: Context, shape: string): Readonly<Record<string, unknown>> {
  const body: unknown = (context.request as { body?: unknown }).body;
  if (typeof body !== 'object' || body === null || Array.isArray(body) || context.is('json') === false)
    context.throw(400, `send a JSON object: ${shape}`);
  return body as Readonly<Record<string, unknown>>;
}

function idsOf(context: Context, ids: unknown): string[] {
  if (!Array.isArray(ids) || ids.length > IDS_MAX || !ids.every((id) => typeof id === 'string'))
    context.throw(400, `ids is a list of up to ${IDS_MAX} texts`);
  return ids;
}

function texts(context: Context, given: Readonly<Record<'sink' | 'reason', unknown>>): Pick<DeliveryFilter, 'sink' | 'reason'> {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [key, value] of present) if (typeof value !== 'string') context.throw(400, `${key} is one text`);
  return Object.fromEntries(present);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
