import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const TOLERANCE_S = 300;

/** What the sender's documentation says: the HMAC-SHA256 of `<timestamp>.<body>` in hex, and a timestamp that is recent. */
export function isAuthentic(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const { 'x-castai-timestamp': timestamp, 'x-castai-signature': signature } = headers;
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false;
  if (!(Math.abs(Date.now() / 1_000 - Number(timestamp)) <= TOLERANCE_S)) return false;
  const given = Buffer.from(signature, 'hex');
  const due = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest();
  return given.length === due.length && timingSafeEqual(given, due);
}

/** Of the programs here, by the one who starts them. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
