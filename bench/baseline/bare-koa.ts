// Reads, verifies, answers, and keeps nothing: what Koa alone costs.
import Koa from 'koa';
import { isAuthentic, required } from './verify.js';

const secret = required('SECRET');
const app = new Koa();
app.use(async (context) => {
  const chunks: Buffer[] = [];
  for await (const chunk of context.req) chunks.push(chunk as Buffer);
  const authentic = isAuthentic(secret, context.headers, Buffer.concat(chunks));
  context.status = authentic ? 200 : 401;
  context.body = authentic ? { received: true } : { error: 'Invalid signature' };
});
app.listen(Number(required('PORT')), '127.0.0.1');
