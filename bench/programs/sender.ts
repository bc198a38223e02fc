// A sender as they are: posts every event of a file again and again, until it is answered 2xx. Arguments: URL FILE BYTES COUNT CONNECTIONS.
// Its first message ends the load; the events that were begun are still posted until they are answered, and the numbers of all of them are sent back.
import { closeSync, openSync, readSync } from 'node:fs';
import { Pool } from 'undici';

const AGAIN_MS = 20;
const PATIENCE_MS = 15_000;
const [url = '', file = '', bytes, count, connections] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(connections), headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
const input = openSync(file, 'r');
const answered: number[] = [];
let next = 0;
let stopped = false;

process.on('disconnect', () => process.exit());
process.once('message', () => (stopped = true));
await Promise.all(Array.from({ length: Number(connections) }, connection));
closeSync(input);
process.send?.(answered);

async function connection(): Promise<void> {
  const request = Buffer.alloc(Number(bytes));
  while (!stopped) {
    const n = next++;
    if (n >= Number(count)) throw new Error('there are not enough events');
    readSync(input, request, 0, request.length, n * request.length);
    const { headers, body } = parsed(request);
    while (!(await post(headers, body))) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    answered.push(n);
  }
}

async function post(headers: Readonly<Record<string, string>>, body: Buffer): Promise<boolean> {
  try {
    const answer = await pool.request({ path: pathname, method: 'POST', headers, body });
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false;
  }
}

function parsed(request: Buffer): { headers: Record<string, string>; body: Buffer } {
  const headEnd = request.indexOf('\r\n\r\n');
  const [, ...lines] = request.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]).filter(([name]) => name !== 'host'));
  return { headers, body: Buffer.from(request.subarray(headEnd + 4)) };
}
