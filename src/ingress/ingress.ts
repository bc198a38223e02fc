import Router from '@koa/router';
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import Koa, { type Context, type Middleware } from 'koa';
import { ANSWERS, bytesOf, write, type Answer } from './answer.js';
import type { BodyLimits } from './body.js';
import { receive, type IngressSource, type Receiving } from './receive.js';

/** What the ingress needs. */
export interface IngressDependencies extends Receiving {
  readonly sources: readonly IngressSource[];
  readonly limits: BodyLimits & { readonly headerTimeoutMs: number };
}

/** The server that takes events in. Whoever made it calls `listen` on `server`, then `drain` and `close`, in this order. */
export interface Ingress {
  readonly server: Server;
  /** Puts other sources in the place of the present ones; requests under way finish with the one they came in by. */
  use(sources: readonly IngressSource[]): void;
  /** From now on requests are answered 503. Resolves when those under way have been answered. */
  drain(): Promise<void>;
  /** Stops listening and closes every connection, idle or not. */
  close(): Promise<void>;
}

/** Senders are few and keep their connections; this is far above them and below the usual limit of open files. */
const CONNECTIONS_MAX = 4_096;
/** A signature header of 64 KB is to be refused as a signature, like any other that is wrong. */
const HEADER_BYTES_MAX = 80 * 1024;
const HEADERS_MAX = 200;
/** Above the 60 s of most load balancers: when both sides close at the same moment, a request is lost on the way. */
const KEEP_ALIVE_MS = 65_000;
/** How often Node looks for connections that are too slow. */
const TIMEOUT_CHECK_MS = 1_000;
/** A body has a timer of its own, that answers in JSON; Node's own limit on a whole request comes after it. */
const REQUEST_TIMEOUT_SLACK_MS = 5_000;

/** Builds the server; it does not listen yet. */
export function createIngress({ sources, ...bridge }: IngressDependencies): Ingress {
  const underWay = new Set<IncomingMessage>();
  let onIdle: (() => void) | null = null;
  let draining = false;
  let dispatch = router(sources, bridge, answerWith);

  /** Koa's own way of answering costs more than all the rest of a request: this one place writes every answer. */
  function answerWith(context: Context, answer: Answer): void {
    write(context.req, context.res, answer, draining);
  }

  const app = new Koa();
  app.context.onerror = onError(bridge, answerWith);
  app.use(async (context, next) => {
    context.respond = false;
    if (draining) return refuse(context, 'shutting_down', ANSWERS.shuttingDown);
    if (!hasPath(context)) return refuse(context, 'bad_request', ANSWERS.badRequest);
    underWay.add(context.req);
    try {
      await dispatch(context, next);
    } finally {
      underWay.delete(context.req);
      if (underWay.size === 0) onIdle?.();
    }
  });
  app.use((context) => refuse(context, 'not_found', ANSWERS.notFound));

  function refuse(context: Context, reason: string, answer: Answer): void {
    bridge.telemetry.refused({ source: '', reason, status: answer.status, detail: '' });
    answerWith(context, answer);
  }

  const handle = app.callback();
  const { headerTimeoutMs, bodyTimeoutMs } = bridge.limits;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: headerTimeoutMs,
      requestTimeout: headerTimeoutMs + bodyTimeoutMs + REQUEST_TIMEOUT_SLACK_MS,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, headerTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => void handle(request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A valid request before this one on the same connection must not be given this one's answer.
    const waiting = [...underWay].some((request) => request.socket === socket && request.complete);
    refuseSocket(error, socket as Socket, waiting, bridge);
  });

  return {
    server,
    use: (others) => {
      dispatch = router(others, bridge, answerWith);
    },
    drain: () =>
      new Promise((resolve) => {
        draining = true;
        onIdle = resolve;
        if (underWay.size === 0) resolve();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type AnswerWith = (context: Context, answer: Answer) => void;

function router(sources: readonly IngressSource[], bridge: Receiving, answerWith: AnswerWith): Middleware {
  const routes = new Router({ strict: true, sensitive: true });
  for (const source of sources) {
    routes.post(source.path, (context: Context) => receive(context.req, source, bridge, (answer) => answerWith(context, answer)));
    routes.all(source.path, (context: Context) => {
      bridge.telemetry.refused({ source: source.name, reason: 'method', status: ANSWERS.method.status, detail: '' });
      answerWith(context, ANSWERS.method);
    });
  }
  return routes.routes();
}

/** In place of Koa's, which answers 500 and prints the error: what went wrong in here is ours, and senders try again after a 503. */
function onError(bridge: Receiving, answerWith: AnswerWith): (this: Context, error: unknown) => void {
  return function (error) {
    // Koa calls it with null when a request has gone well, and with a socket's error when the sender hung up.
    if (error === null || error === undefined || this.res.headersSent || this.res.destroyed) return;
    const detail = error instanceof Error ? error.message : String(error);
    bridge.telemetry.refused({ source: '', reason: 'internal', status: ANSWERS.internal.status, detail });
    bridge.log.error({ error }, 'a request could not be handled');
    answerWith(this, ANSWERS.internal);
  };
}

/** A request target need not be a path: `POST http://[ HTTP/1.1` gets through Node's parser and throws in Koa's. */
function hasPath(context: Context): boolean {
  try {
    return context.path.startsWith('/');
  } catch {
    return false;
  }
}

/** What Node could not make a request of: broken HTTP, headers too large, headers too slow. */
function refuseSocket(error: NodeJS.ErrnoException, socket: Socket, silently: boolean, { telemetry }: Receiving): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [reason, answer] = brokenBy(error.code);
  telemetry.refused({ source: '', reason, status: answer.status, detail: error.code ?? '' });
  if (silently) socket.destroy();
  else socket.end(bytesOf(answer, STATUS_CODES[answer.status] ?? ''), () => socket.destroy());
}

function brokenBy(code: string | undefined): readonly [string, Answer] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers_too_large', ANSWERS.headersTooLarge];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['timeout', ANSWERS.timeout];
  return ['bad_request', ANSWERS.badRequest];
}
