// Sends the requests of a file, one after the other, each once, at an even rate. Latency counts from the moment a request was due, whether a connection was
// free or not: what a slow server delays is not left out. Arguments: PORT FILE BYTES COUNT PER_SECOND CONNECTIONS. Its parent sends the file for the result.
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { machineMs } from '../rig/process.js';

const TICK_MS = 1;
const [port, file = '', bytes, count, perSecond, connections] = process.argv.slice(2);
const events = Number(count);
const requestBytes = Number(bytes);
const requests = Buffer.alloc(events * requestBytes);
const input = openSync(file, 'r');
if (readSync(input, requests, 0, requests.length, 0) !== requests.length) throw new Error(`${file} is too short`);
closeSync(input);

/** When each was due, and when its answer came. */
const due = new Float64Array(events);
const answered = new Float64Array(events).fill(NaN);
const waiting: number[] = [];
const free: Connection[] = [];
let refused = 0;
let left = events;

interface Connection {
  readonly socket: Socket;
  /** The request that is under way. */
  n: number;
  rest: string;
}

process.on('disconnect', () => process.exit());
await Promise.all(Array.from({ length: Number(connections) }, open));
process.send?.('connected');
process.once('message', (result: string) => void run(result));

async function open(): Promise<void> {
  const socket = connect(Number(port), '127.0.0.1').setNoDelay();
  const connection: Connection = { socket, n: -1, rest: '' };
  socket.on('data', (chunk) => {
    connection.rest += chunk.toString('latin1');
    if (isWhole(connection.rest)) take(connection);
  });
  socket.on('close', () => {
    if (left > 0) throw new Error('a connection was closed under load');
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  free.push(connection);
}

function isWhole(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  return headEnd !== -1 && text.length >= headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
}

function take(connection: Connection): void {
  answered[connection.n] = machineMs();
  if (!connection.rest.startsWith('HTTP/1.1 200')) refused += 1;
  connection.rest = '';
  left -= 1;
  const next = waiting.shift();
  if (next === undefined) free.push(connection);
  else send(connection, next);
}

function send(connection: Connection, n: number): void {
  connection.n = n;
  connection.socket.write(requests.subarray(n * requestBytes, (n + 1) * requestBytes));
}

async function run(result: string): Promise<void> {
  const startMs = machineMs();
  for (let n = 0; n < events; await tick())
    for (const nowMs = machineMs(); n < events && startMs + (n * 1_000) / Number(perSecond) <= nowMs; n++) {
      due[n] = startMs + (n * 1_000) / Number(perSecond);
      const connection = free.pop();
      if (connection === undefined) waiting.push(n);
      else send(connection, n);
    }
  while (left > 0) await tick();
  writeFileSync(result, Buffer.concat([Buffer.from(due.buffer), Buffer.from(answered.buffer)]));
  process.send?.({ refused });
}

function tick(): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
