import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a sender is told. Rendered once: most requests get one of a handful of answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** A text and not bytes: Node sends it in one piece with the headers. */
  readonly body: string;
}

/** A JSON answer. */
export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = JSON.stringify(body);
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text), ...headers },
    body: text,
  };
}

/** Long enough for a restart or for a disk to be cleared a little, short enough that a sender still has retries left. */
const RETRY_AFTER = { 'Retry-After': '5' };

export const ANSWERS = {
  received: json(200, { received: true }),
  duplicate: json(200, { received: true, duplicate: true }),
  // One text for every failure of authentication: a stranger learns nothing of which check failed.
  signature: json(401, { error: 'Invalid signature' }),
  badRequest: json(400, { error: 'The request is not valid HTTP' }),
  notFound: json(404, { error: 'There is no source at this path' }),
  method: json(405, { error: 'Events are posted: use POST' }, { Allow: 'POST' }),
  headersTooLarge: json(431, { error: 'The headers are too large' }),
  timeout: json(408, { error: 'The request took too long to arrive' }),
  storeUnavailable: json(503, { error: 'The event could not be stored; send it again' }, RETRY_AFTER),
  internal: json(503, { error: 'The event could not be handled; send it again' }, RETRY_AFTER),
  shuttingDown: json(503, { error: 'Shutting down; send it again' }, RETRY_AFTER),
} as const satisfies Record<string, Answer>;

/** A sender that is still sending when it is refused must get to read why: closing at once would reset the connection under the answer (RFC 9112, 9.6). */
const LINGER_MS = 1_000;

/** Writes an answer, once; `close` ends the connection after it. Resolves when nothing more is read of the request. */
export async function write(request: IncomingMessage, response: ServerResponse, answer: Answer, close: boolean): Promise<void> {
  if (response.headersSent || response.destroyed) return;
  const unread = !request.complete && hasBody(request);
  response.writeHead(answer.status, close || unread ? { ...answer.headers, Connection: 'close' } : answer.headers);
  if (!unread) response.end(answer.body);
  else await linger(request, response, answer.body);
}

/** For what failed before it became a request: the socket is all there is. */
export function textOf(answer: Answer, reasonPhrase: string): string {
  const headers = Object.entries({ ...answer.headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.status} ${reasonPhrase}\r\n${headers.join('')}\r\n${answer.body}`;
}

/** Sends the whole answer, then discards what still comes in for a moment, and only then closes. */
async function linger(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  if (request.method !== 'HEAD') response.write(body);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    request.once('end', stop).once('close', stop).resume();
  });
  response.end();
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}
