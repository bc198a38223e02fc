import type { Context } from 'koa';
import { createServer, STATUS_CODES, type Server } from 'node:http';
import { ANSWERS, textOf, type Answer } from './answer.js';
import { requestListener } from './application.js';
import type { BodyLimits } from './body.js';
import type { IngressSource, Receiving } from './receive.js';

/** What follows from the configuration. A request goes by what was in force when its headers had come, to its end. */
export interface IngressConfiguration extends Pick<Receiving, 'route'> {
  readonly sources: readonly IngressSource[];
  readonly limits: BodyLimits & { readonly headerTimeoutMs: number };
}

/** What the ingress needs. */
export interface IngressDependencies extends Receiving, IngressConfiguration {
  readonly limits: IngressConfiguration['limits'];
}

/** The server that takes events in. Whoever made it calls `listen` on `server`, and in the end `drain` and `close`, in this order. */
export interface Ingress {
  readonly server: Server;
  /** Requests from now on go by this. */
  exchange(next: IngressConfiguration): void;
  /** From now on requests are answered 503. Resolves when those under way have been answered. */
  drain(): Promise<void>;
  /** Stops listening and closes every connection, idle or not. */
  close(): Promise<void>;
}

/** Senders are few and keep their connections. With bodies of 1 MiB, this many of them at once are 1 GiB of memory. */
const CONNECTIONS_MAX = 1_024;
/** Node's 16 KiB would answer 431 where a signature header of 64 KB is simply a wrong signature. */
const HEADER_BYTES_MAX = 80 * 1024;
const HEADERS_MAX = 200;
/** Above the 60 s of most load balancers: when both sides close at the same moment, a request is lost on the way. */
const KEEP_ALIVE_MS = 65_000;
/** How often Node looks for connections that are too slow. */
const TIMEOUT_CHECK_MS = 1_000;
/** A body has a timer of its own, which answers in JSON; Node's limit on a request as a whole comes after it. */
const REQUEST_TIMEOUT_SLACK_MS = 5_000;

/** Builds the server; it does not listen yet. */
export function createIngress({ sources, ...bridge }: IngressDependencies): Ingress {
  const { limits, telemetry } = bridge;
  const underWay = new Set<Context>();
  let draining = false;
  let onIdle: (() => void) | null = null;
  const gate = {
    isClosed: () => draining,
    entered: (context: Context) => void underWay.add(context),
    left: (context: Context) => {
      underWay.delete(context);
      if (underWay.size === 0) onIdle?.();
    },
  };

  let handle = requestListener(sources, bridge, gate);
  const server = boundedServer(limits).on('request', (request, response) => handle(request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const present = [...underWay].filter(({ req }) => req.socket === socket);
    const [reason, answer] = refusalOf(error.code);
    // A request that was cut off while it came in is told of where it was being read.
    if (present.every(({ req }) => req.complete)) telemetry.refused({ source: '', reason, status: answer.status, detail: error.code ?? '' });
    // The answer to a whole request before this one must not be mistaken for this one's; and a request gets one answer, not two.
    if (!socket.writable || present.some(({ req, headerSent }) => req.complete || headerSent)) socket.destroy();
    else socket.end(textOf(answer, STATUS_CODES[answer.status] ?? ''), () => socket.destroy());
  });

  return {
    server,
    exchange: ({ sources, limits, route }) => {
      handle = requestListener(sources, { ...bridge, limits, route }, gate);
      Object.assign(server, timeoutsOf(limits));
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

function boundedServer(limits: IngressConfiguration['limits']): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    // Of some headers Node would keep the first, and of `authorization` no verifier would see that there are two.
    joinDuplicateHeaders: true,
    ...timeoutsOf(limits),
    // Stays as it is: a shorter timeout of another configuration is kept to within this interval.
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, limits.headerTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  return server;
}

/** Node looks at them whenever it looks for slow connections. */
function timeoutsOf({ headerTimeoutMs, bodyTimeoutMs }: IngressConfiguration['limits']) {
  return { headersTimeout: headerTimeoutMs, requestTimeout: headerTimeoutMs + bodyTimeoutMs + REQUEST_TIMEOUT_SLACK_MS };
}

/** What Node could not make a request of: broken HTTP, headers that are too large or too slow. */
function refusalOf(code: string | undefined): readonly [string, Answer] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers_too_large', ANSWERS.headersTooLarge];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['timeout', ANSWERS.timeout];
  return ['bad_request', ANSWERS.badRequest];
}
