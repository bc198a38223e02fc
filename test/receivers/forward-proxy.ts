import { once } from 'node:events';
import { createServer, request as send, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Certificate } from './certificates.js';

/** What a proxy was asked for. */
export interface Asked {
  readonly method: string;
  /** `host:port` of a tunnel, the whole URL otherwise. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** A proxy that opens tunnels and forwards requests. It resolves every name to loopback. */
export interface ForwardProxy {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Only who says so (`user:password`) is let through; null: everybody. */
  require(credentials: string | null): void;
  /** What it does instead of opening a tunnel. */
  insteadOfTunnel(how: null | 'close' | 'hang' | { readonly status: number }): void;
  /** Open connections of clients. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** `tls`: it is spoken to over https. */
export async function startForwardProxy(tls?: Certificate): Promise<ForwardProxy> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  let credentials: string | null = null;
  let instead: null | 'close' | 'hang' | { readonly status: number } = null;

  const isLetThrough = ({ headers }: IncomingMessage): boolean =>
    credentials === null || headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`;
  const note = ({ method = '', url: target = '', headers }: IncomingMessage): void => void asked.push({ method, target, headers });

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    note(request);
    if (isLetThrough(request)) forward(request, response);
    else response.writeHead(407).end('who are you?');
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    note(request);
    client.on('error', () => undefined);
    if (instead === 'close') client.destroy();
    else if (instead === 'hang') client.on('end', () => client.end()).resume();
    else if (instead !== null) client.end(`HTTP/1.1 ${instead.status} no\r\ncontent-length: 0\r\n\r\n`);
    else if (!isLetThrough(request)) client.end('HTTP/1.1 407 no\r\ncontent-length: 0\r\n\r\n');
    else tunnel(client, Number(/:(\d+)$/.exec(request.url ?? '')?.[1]), sockets);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    require: (wanted) => {
      credentials = wanted;
    },
    insteadOfTunnel: (how) => {
      instead = how;
    },
    connections: () => new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const { port, pathname, search } = new URL(request.url ?? '');
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== 'proxy-authorization'));
  const onward = send({ host: '127.0.0.1', port, path: pathname + search, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.writeHead(502).end());
  request.pipe(onward);
}

function tunnel(client: Socket, port: number, sockets: Set<Socket>): void {
  const far = connect(port, '127.0.0.1', () => {
    client.write('HTTP/1.1 200 OK\r\n\r\n');
    far.pipe(client);
    client.pipe(far);
  });
  sockets.add(far);
  far.on('error', () => client.destroy()).on('close', () => sockets.delete(far));
}
