// The floor of durability: verifies, appends the body to a file, and answers after fdatasync. What came meanwhile is in the next sync. No dedup, no routing, no delivery.
import { fdatasync, openSync, write } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { isAuthentic, required } from './verify.js';

const secret = required('SECRET');
const file = openSync(required('LOG'), 'a');
let waiting: { readonly body: Buffer; readonly response: ServerResponse }[] = [];
let syncing = false;

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    if (!isAuthentic(secret, request.headers, body)) {
      answer(response, 401, '{"error":"Invalid signature"}');
      return;
    }
    waiting.push({ body, response });
    if (!syncing) sync();
  });
}).listen(Number(required('PORT')), '127.0.0.1');

function sync(): void {
  const group = waiting;
  if (group.length === 0) return;
  waiting = [];
  syncing = true;
  const bytes = Buffer.concat(group.map(({ body }) => body));
  write(file, bytes, (failed, written) => {
    if (failed ?? written !== bytes.length) throw new Error('the log could not be written');
    fdatasync(file, (error) => {
      if (error !== null) throw error;
      for (const { response } of group) answer(response, 200, '{"received":true}');
      syncing = false;
      sync();
    });
  });
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
}
