import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What the receiver does with a request. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'hang'
  | 'close-before-answer'
  | 'close-in-answer'
  | 'broken-chunk'
  | 'endless-body';

/** An HTTP server that writes down what arrives, and answers as it is told. */
export interface HttpReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** The next requests are answered so, one each; then with `otherwise`. */
  script(...answers: readonly Answer[]): void;
  otherwise(answer: Answer): void;
  close(): Promise<void>;
}

export async function startHttpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = [];
  const scripted: Answer[] = [];
  let usual: Answer = { status: 200 };
  const server = createServer((request, response) => {
    // A sender that hangs up in the middle is not this server's trouble.
    void readAll(request).then(
      (body) => {
        received.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
        answer(response, scripted.shift() ?? usual);
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    script: (...answers) => void scripted.push(...answers),
    otherwise: (one) => void (usual = one),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, how: Answer): void {
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
