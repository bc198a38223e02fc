import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';

/** An https server on loopback that answers 200, and knows who asked. */
export interface HttpsServer {
  readonly port: number;
  /** Common names of the client certificates of requests; null where there was none. */
  readonly clients: readonly (string | null)[];
  close(): Promise<void>;
}

export async function startHttpsServer(options: ServerOptions): Promise<HttpsServer> {
  const clients: (string | null)[] = [];
  const server = createServer(options, (request, response) => {
    clients.push(request.socket instanceof TLSSocket ? nameOf(request.socket) : null);
    request.resume();
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    clients,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function nameOf(socket: TLSSocket): string | null {
  // Without a certificate there is an empty object.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return [subject?.CN].flat()[0] ?? null;
}
