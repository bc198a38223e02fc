// An HTTP sink that is no measure of itself: answers 200 to requests with a content-length, and writes down what arrived. Driven by messages of its parent.
import { createServer, type Socket } from 'node:net';
import { machineMs } from '../rig/process.js';
import { Arrivals } from '../rig/arrivals.js';
import { answerAsked } from '../rig/asked.js';

const OK = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const arrivals = new Arrivals();

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest = taken(socket, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  answerAsked(arrivals, { port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
});

/** Answers the requests that are whole; what is left is the beginning of the next one. */
function taken(socket: Socket, bytes: Buffer): Buffer {
  let at = 0;
  for (;;) {
    const headEnd = bytes.indexOf(HEAD_END, at);
    if (headEnd === -1) break;
    const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', at, headEnd))?.[1];
    const bodyAt = headEnd + HEAD_END.length;
    // A head without it would be taken for an event without a body.
    if (length === undefined) throw new Error('a request without content-length');
    const next = bodyAt + Number(length);
    if (next > bytes.length) break;
    arrivals.note(bytes.subarray(bodyAt, next), machineMs());
    socket.write(OK);
    at = next;
  }
  return at === 0 ? bytes : bytes.subarray(at);
}
