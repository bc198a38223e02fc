import Router from '@koa/router';
import { timingSafeEqual, createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import Koa, { type Context, type Middleware } from 'koa';
import { koaBody } from 'koa-body';
import { Gauge, type Registry } from 'prom-client';
import type { Log } from '../core/sink.js';
import type { DeliveryFilter, Store } from '../core/store.js';
import type { Replayer } from '../delivery/replay.js';
import { presentDelivery, presentStory } from './present.js';

/** What the operators' API serves. */
export interface OperationsDependencies {
  readonly store: Pick<Store, 'deliveries' | 'stories' | 'stats'>;
  readonly replayer: Replayer;
  readonly ready: () => Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>;
  readonly registry: Registry;
  readonly token: string | null;
  readonly log: Log;
}

const PAGE_MAX = 1_000;
const PAGE = 100;
const IDS_MAX = 1_000;
const BODY_MAX = '1mb';
const STATES = ['waiting', 'delivered', 'dead'] as const;

/** Health, metrics and the API behind the commands, on a listener of their own. Does not listen yet. */
export function createOperations(deps: OperationsDependencies): Server {
  measureBacklog(deps);
  const router = new Router();
  router.get('/healthz', (context) => {
    context.body = { status: 'ok' };
  });
  router.get('/readyz', async (context) => {
    const { ready, reasons } = await deps.ready();
    context.status = ready ? 200 : 503;
    context.body = { ready, reasons };
  });
  router.get('/metrics', async (context) => {
    context.type = deps.registry.contentType;
    context.body = await deps.registry.metrics();
  });
  router.get('/api/deliveries', async (context) => listDeliveries(context, deps));
  router.get('/api/events/:id', async (context) => showEvent(context, deps));
  router.post('/api/replay', koaBody({ json: true, urlencoded: false, text: false, multipart: false, jsonLimit: BODY_MAX }), async (context) =>
    replay(context, deps),
  );

  const app = new Koa();
  app.use(answerFaults(deps.log)).use(authorize(deps.token)).use(router.routes()).use(router.allowedMethods());
  const handle = app.callback();
  return createServer((request, response) => void handle(request, response));
}

async function listDeliveries(context: Context, { store }: OperationsDependencies): Promise<void> {
  const { state, sink, reason, limit, before } = context.query;
  const known = STATES.find((one) => one === state);
  if (state !== undefined && known === undefined) return refuse(context, 400, `there is no state "${String(state)}": use ${STATES.join(', ')}`);
  const filter: DeliveryFilter = {
    ...(known === undefined ? {} : { state: known }),
    ...(typeof sink === 'string' ? { sink } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
  const count = limit === undefined ? PAGE : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > PAGE_MAX) return refuse(context, 400, `limit is a whole number from 1 to ${PAGE_MAX}`);
  const page = await store.deliveries(filter, count, typeof before === 'string' ? before : null);
  context.body = { deliveries: page.rows.map(presentDelivery), next: page.next };
}

async function showEvent(context: Context, { store }: OperationsDependencies): Promise<void> {
  const id = String((context as unknown as { params: { id: string } }).params.id);
  const stories = await store.stories(id);
  if (stories.length === 0) return refuse(context, 404, `there is no event "${id}": it was never accepted, or is past its retention`);
  context.body = { events: stories.map(presentStory) };
}

async function replay(context: Context, { replayer, log }: OperationsDependencies): Promise<void> {
  const asked: unknown = context.request.body;
  const wanted = typeof asked === 'object' && asked !== null && !Array.isArray(asked) ? new Map(Object.entries(asked)) : null;
  if (wanted === null || !context.is('json')) return refuse(context, 400, 'send a JSON object: {"ids": […]}, or {"sink", "reason", "state"}');
  const ids: unknown = wanted.get('ids');
  if (ids !== undefined) {
    if (!isTexts(ids) || ids.length > IDS_MAX) return refuse(context, 400, `ids is a list of up to ${IDS_MAX} texts`);
    context.body = await replayer.replay(ids);
    log.info({ ids: ids.length }, 'replay');
    return;
  }
  const state = wanted.get('state') ?? 'dead';
  const sink: unknown = wanted.get('sink');
  const reason: unknown = wanted.get('reason');
  if (state !== 'dead' && state !== 'delivered') return refuse(context, 400, 'state is dead or delivered');
  if (![sink, reason].every((one) => one === undefined || typeof one === 'string')) return refuse(context, 400, 'sink and reason are texts');
  if (sink === undefined && reason === undefined) return refuse(context, 400, 'name ids, a sink or a reason');
  const filter = { state, ...(typeof sink === 'string' ? { sink } : {}), ...(typeof reason === 'string' ? { reason } : {}) } as const;
  context.body = await replayer.replayAll(filter);
  log.info(filter, 'replay');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** With a token: nothing but health without it. Without one, the listener is on loopback: pages in a browser on this machine must not reach it by a name of their own. */
function authorize(token: string | null): Middleware {
  return async (context, next) => {
    if (context.path === '/healthz' || context.path === '/readyz') return next();
    if (token === null) {
      if (!/^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(context.get('host')))
        return refuse(context, 403, 'this listener answers to loopback names only');
      return next();
    }
    const given = /^Bearer (.+)$/.exec(context.get('authorization'))?.[1] ?? '';
    if (timingSafeEqual(hash(given), hash(token))) return next();
    context.set('www-authenticate', 'Bearer');
    return refuse(context, 401, 'send the token of `operations.token` as a bearer token');
  };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Our own faults are 503 and in the log; an error with a status below 500 was the asker's. No stack leaves the process. */
function answerFaults(log: Log): Middleware {
  return async (context, next) => {
    try {
      await next();
      if (context.status === 404 && context.body === undefined) refuse(context, 404, 'there is nothing at this path');
    } catch (error) {
      const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
      if (status < 500) return refuse(context, status, error instanceof Error ? error.message : 'bad request');
      log.error({ detail: error instanceof Error ? error.message : String(error), path: context.path }, 'operators’ request failed');
      refuse(context, 503, error instanceof Error ? error.message : 'internal fault');
    }
  };
}

function refuse(context: Context, status: number, error: string): void {
  context.status = status;
  context.body = { error };
}

/** What waits, read from the store when somebody asks for the metrics. */
function measureBacklog({ store, registry, log }: OperationsDependencies): void {
  const oldest = new Gauge({
    name: 'castbridge_deliveries_oldest_due_seconds',
    help: 'How long the oldest waiting delivery has been due',
    labelNames: ['sink'],
    registers: [registry],
  });
  new Gauge({
    name: 'castbridge_deliveries_waiting',
    help: 'Deliveries that wait',
    labelNames: ['sink'],
    registers: [registry],
    async collect() {
      try {
        const { waiting } = await store.stats();
        this.reset();
        oldest.reset();
        for (const { sink, count, oldestDueMs } of waiting) {
          this.set({ sink }, count);
          oldest.set({ sink }, Math.max(0, (Date.now() - oldestDueMs) / 1000));
        }
      } catch (error) {
        log.warn({ detail: error instanceof Error ? error.message : String(error) }, 'the backlog cannot be measured');
      }
    },
  });
}
