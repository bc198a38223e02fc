import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, type Listener } from './listener.js';

/** A request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The sender's port: requests of one connection have the same. */
  readonly connection: number;
  /** It was answered with a status that is no 2xx: the receiver did not take it. */
  readonly refused: boolean;
}

/** What the receiver does with a request. `hold`: it is answered at `release`. `echo`: 400, and the whole request. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string | string[]>>; readonly body?: string }
  | 'hang'
  | 'echo'
  | 'hold'
  | 'close-before-answer'
  | 'close-in-answer'
  | 'broken-chunk'
  | 'endless-body'
  | 'slow-body';

/** An HTTP server that writes down what arrives, and answers as it is told. */
export interface HttpReceiver extends Listener {
  readonly received: Received[];
  /** The next requests are answered so, one each; then with `otherwise`. */
  script(...answers: readonly Answer[]): void;
  /** A function is asked for each request. */
  otherwise(answer: Answer | (() => Answer)): void;
  release(answer?: Exclude<Answer, 'hold'>): void;
}

export async function startHttpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = [];
  const scripted: Answer[] = [];
  const held: ((how: Exclude<Answer, 'hold'>) => void)[] = [];
  let usual: Answer | (() => Answer) = { status: 200 };
  const listener = await listen((request, body, response) => {
    const how = scripted.shift() ?? (typeof usual === 'function' ? usual() : usual);
    const refused = typeof how === 'object' && (how.status < 200 || how.status > 299);
    received.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      connection: request.socket.remotePort ?? 0,
      refused,
    });
    const answerWith = (one: Exclude<Answer, 'hold'>): void => answer(response, one === 'echo' ? { status: 400, body: echoOf(request, body) } : one);
    if (how === 'hold') held.push(answerWith);
    else answerWith(how);
  });
  return {
    ...listener,
    received,
    script: (...answers) => void scripted.push(...answers),
    otherwise: (one) => {
      usual = one;
    },
    release: (how = { status: 200 }) => {
      for (const answerWith of held.splice(0)) answerWith(how);
    },
  };
}

function echoOf({ method, url, headers }: IncomingMessage, body: Buffer): string {
  return `${method} ${url} ${JSON.stringify(headers)} ${body.toString()}`;
}

function answer(response: ServerResponse, how: Exclude<Answer, 'hold' | 'echo'>): void {
  if (typeof how === 'object') {
    response.writeHead(how.status, how.headers).end(how.body ?? '');
    return;
  }
  switch (how) {
    case 'hang':
      return;
    case 'close-before-answer':
      response.socket?.destroy();
      return;
    case 'close-in-answer':
      response.writeHead(200, { 'content-length': '1000' }).write('half', () => response.socket?.destroy());
      return;
    case 'broken-chunk':
      response.socket?.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n');
      return;
    case 'slow-body':
      response.writeHead(200).write('never more than this');
      return;
    case 'endless-body': {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
      return;
    }
  }
}
