import Router from '@koa/router';
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { Registry } from 'prom-client';
import type { Log } from '../core/sink.js';
import type { Store } from '../core/store.js';
import type { Replayer } from '../delivery/replay.js';
import { addApi } from './api.js';
import { addFeed, type Feed } from './feed.js';
import { addInForce, type InForce, type ReloadAnswer } from './in-force.js';
import { measureBacklog } from './backlog.js';
import type { ReadyAnswer } from './readiness.js';

/** What the operators' listener serves. */
export interface OperationsDependencies {
  readonly store: Pick<Store, 'deliveries' | 'stories' | 'stats' | 'forget'>;
  readonly replayer: Replayer;
  readonly feed: Feed;
  readonly ready: () => Promise<ReadyAnswer>;
  readonly inForce: () => InForce;
  readonly reload: () => Promise<ReloadAnswer>;
  readonly registry: Registry;
  /** Null: none is asked for, and the listener is bound to loopback. */
  readonly token: string | null;
  readonly log: Log;
}

/** Health, metrics and the API behind the commands, on a listener of their own. Does not listen yet. */
export function createOperations({ store, replayer, feed, ready, inForce, reload, registry, token, log }: OperationsDependencies): Server {
  measureBacklog(store, registry, log);
  const router = new Router();
  router.get('/healthz', (context) => {
    context.body = { status: 'ok' };
  });
  router.get('/readyz', async (context) => {
    const answer = await ready();
    context.status = answer.ready ? 200 : 503;
    context.body = answer;
  });
  router.get('/metrics', async (context) => {
    context.type = registry.contentType;
    context.body = await registry.metrics();
  });
  addApi(router, { store, replayer, log });
  addFeed(router, feed, inForce);
  addInForce(router, { inForce, reload, store });

  const app = new Koa();
  // What is left after `answerFaults` are askers that hang up in the middle of an answer: nothing to write a stack for.
  app.silent = true;
  app.use(answerFaults(log)).use(authorize(token)).use(router.routes()).use(router.allowedMethods());
  const handle = app.callback();
  return createServer((request, response) => void handle(request, response));
}

/** Browsers say for which page they ask; other programs say nothing. */
const LOOPBACK_ORIGIN = /^$|^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;
const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/** With a token: nothing but health without it. Without one, the listener is on loopback: pages in a browser on this machine must not reach it by a name of their own. */
function authorize(token: string | null): Middleware {
  return (context, next) => {
    if (context.path === '/healthz' || context.path === '/readyz') return next();
    if (token === null) {
      if (!LOOPBACK_NAME.test(context.get('host')) || !LOOPBACK_ORIGIN.test(context.get('origin')))
        context.throw(403, 'this listener answers to loopback names only');
      return next();
    }
    const given = /^Bearer (.+)$/i.exec(context.get('authorization'))?.[1] ?? '';
    if (timingSafeEqual(hash(given), hash(token))) return next();
    return context.throw(401, 'send the token of `operations.token` as a bearer token', { headers: { 'www-authenticate': 'Bearer' } });
  };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Every answer is JSON. Our own faults are 503 and in the log; no stack leaves the process. */
function answerFaults(log: Log): Middleware {
  return async (context, next) => {
    try {
      await next();
      if (context.status === 404) context.throw(404, 'there is nothing at this path');
      if (context.status === 405) context.throw(405, 'this path takes other methods', { headers: { allow: context.response.get('allow') } });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      // Koa's and koa-body's errors say what the asker did wrong; nothing else has a status.
      const { status = 503, headers = {} } = error as { readonly status?: number; readonly headers?: Record<string, string> };
      if (status >= 500) log.error({ detail, path: context.path }, 'operators’ request failed');
      context.status = status < 500 ? status : 503;
      context.set(headers);
      context.body = { error: detail };
    }
  };
}
