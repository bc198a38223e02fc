import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on a loopback port of its own, which can go away and come back. */
export interface Listener {
  readonly url: string;
  /** Open connections. */
  connections(): Promise<number>;
  /** Refuses connections, and cuts those there are. */
  goAway(): Promise<void>;
  /** Listens on the same port again. */
  comeBack(): Promise<void>;
}

/** `handle` gets each request with its whole body. */
export async function listen(handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void): Promise<Listener> {
  const server = createServer((request, response) => {
    // A sender that hangs up in the middle is not this server's trouble.
    void readAll(request).then(
      (body) => handle(request, body, response),
      () => undefined,
    );
  });
  const comeBack = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await comeBack(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))),
    goAway: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    comeBack: async () => {
      if (!server.listening) await comeBack(port);
    },
  };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
