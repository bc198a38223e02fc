import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a sender is told. Rendered once: most requests get one of a handful of answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

/** A JSON answer. */
export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  const bytes = Buffer.from(JSON.stringify(body));
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': bytes.length, ...headers }, body: bytes };
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

/** Writes an answer, once. `close` ends the connection after it. */
export function write(request: IncomingMessage, response: ServerResponse, answer: Answer, close: boolean): void {
  if (response.headersSent || response.destroyed) return;
  const unread = !request.complete && hasBody(request);
  response.writeHead(answer.status, close || unread ? { ...answer.headers, Connection: 'close' } : answer.headers);
  if (unread) linger(request, response, answer.body);
  else response.end(answer.body);
}

/** For what failed before it became a request: the socket is all there is. */
export function bytesOf(answer: Answer, reasonPhrase: string): Buffer {
  const headers = Object.entries({ ...answer.headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${answer.status} ${reasonPhrase}\r\n${headers.join('')}\r\n`), answer.body]);
}

/** Sends the whole answer, then discards what still comes in for a moment, and only then closes. */
function linger(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  if (request.method !== 'HEAD') response.write(body);
  const timer = setTimeout(end, LINGER_MS);
  function end(): void {
    clearTimeout(timer);
    response.end();
  }
  request.once('end', end).once('close', end).resume();
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}
