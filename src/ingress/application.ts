import type { RequestListener } from 'node:http';
import Koa, { type Context } from 'koa';
import { ANSWERS, write, type Answer } from './answer.js';
import { receive, type IngressSource, type Receiving } from './receive.js';

/** Of a path that no source has, in the log: it shows a slip of the pen. */
const PATH_CHARS_MAX = 100;

/** What the requests of one server share. */
export interface Gate {
  /** True: every request is refused, and its connection closed. */
  readonly isClosed: () => boolean;
  /** Called around the handling of each request that was let in. */
  readonly entered: (context: Context) => void;
  readonly left: (context: Context) => void;
}

/** The Koa application: one path a source, and an answer in JSON to everything else. */
export function requestListener(sources: readonly IngressSource[], bridge: Receiving, gate: Gate): RequestListener {
  const app = new Koa();
  // Looked up: a router's patterns would cost every event more than its routing does.
  const byPath = new Map(sources.map((source) => [source.path, source]));
  // Koa calls it for a sender that hung up as well, and its own prints the error and answers 500. What is thrown in here never gets that far.
  app.context.onerror = () => undefined;
  app.use(async (context) => {
    context.respond = false;
    if (gate.isClosed()) return refuse(context, '', 'shutting_down', ANSWERS.shuttingDown);
    const path = pathOf(context);
    if (path === null) return refuse(context, '', 'bad_request', ANSWERS.badRequest);
    gate.entered(context);
    try {
      await handle(context, path);
    } catch (error) {
      await refuseForOurFault(context, error);
    } finally {
      gate.left(context);
    }
  });

  function handle(context: Context, path: string): Promise<void> {
    const source = byPath.get(path);
    if (source === undefined) return refuse(context, '', 'not_found', ANSWERS.notFound, path.slice(0, PATH_CHARS_MAX));
    if (context.method !== 'POST') return refuse(context, source.name, 'method', ANSWERS.method);
    return receive(context.req, source, bridge, (answer) => reply(context, answer));
  }

  /** Koa's own way of answering costs a quarter of the whole request: this one place writes every answer instead (`respond = false`). */
  async function reply({ req, res }: Context, answer: Answer): Promise<void> {
    await write(req, res, answer, gate.isClosed());
  }

  async function refuse(context: Context, source: string, reason: string, answer: Answer, detail = ''): Promise<void> {
    bridge.telemetry.refused({ source, reason, status: answer.status, detail });
    await reply(context, answer);
  }

  /** What was thrown in here is the bridge's own fault: senders try again after a 503. */
  async function refuseForOurFault(context: Context, error: unknown): Promise<void> {
    const detail = error instanceof Error ? error.message : 'something was thrown that is no Error';
    bridge.log.error({ error }, 'a request could not be handled');
    if (context.headerSent) return;
    // Answered first: what failed may be the telemetry.
    const replied = reply(context, ANSWERS.internal);
    bridge.telemetry.refused({ source: '', reason: 'internal', status: ANSWERS.internal.status, detail });
    await replied;
  }

  const listener = app.callback();
  return (request, response) => void listener(request, response);
}

/** Null: a request target need not be a path. `POST http://[ HTTP/1.1` gets through Node's parser and throws in Koa's. */
function pathOf(context: Context): string | null {
  try {
    const { path } = context;
    return path.startsWith('/') ? path : null;
  } catch {
    return null;
  }
}
