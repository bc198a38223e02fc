import { createHmac } from 'node:crypto';

/** The HMAC-SHA256 of bytes in a row, in base64: written apart from what is tested. */
export function hmacBase64(key: Buffer | string, ...parts: readonly (string | Buffer)[]): string {
  return createHmac('sha256', key)
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest('base64');
}
