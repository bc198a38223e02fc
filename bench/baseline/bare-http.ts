// Reads, verifies, answers, and keeps nothing: what node:http alone costs.
import { createServer } from 'node:http';
import { isAuthentic, required } from './verify.js';

const secret = required('SECRET');
createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const authentic = isAuthentic(secret, request.headers, Buffer.concat(chunks));
    const text = authentic ? '{"received":true}' : '{"error":"Invalid signature"}';
    response.writeHead(authentic ? 200 : 401, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
  });
}).listen(Number(required('PORT')), '127.0.0.1');
