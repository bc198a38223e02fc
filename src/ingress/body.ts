import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import getRawBody from 'raw-body';

/** What bounds a body. */
export interface BodyLimits {
  readonly bodyBytesMax: number;
  /** From the end of the headers to the end of the body: a trickle does not extend it. */
  readonly bodyTimeoutMs: number;
}

/** A whole body, or why there is none. */
export type Reading = { readonly ok: true; readonly body: Buffer } | { readonly ok: false; readonly fault: BodyFault };

/** `length`: it is not as long as Content-Length says. `gzip`: it cannot be decompressed. `aborted`: the sender hung up. */
export type BodyFault = 'encoding' | 'too_large' | 'timeout' | 'aborted' | 'length' | 'gzip';

/**
 * Reads a body, bounded in bytes while it streams, and in time. Rejects only for faults of our own.
 * A gzip body, where it is allowed, is bounded again by what it decompresses to. What is returned, and so verified and stored, is the decompressed
 * JSON: that is what senders sign, since compression is added by the HTTP client after the body was made.
 */
export async function readBody(request: IncomingMessage, gzip: boolean, limits: BodyLimits): Promise<Reading> {
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && !(gzip && encoding === 'gzip')) return { ok: false, fault: 'encoding' };
  const reading = await readBytes(request, limits);
  return reading.ok && encoding === 'gzip' ? decompress(reading.body, limits.bodyBytesMax) : reading;
}

function readBytes(request: IncomingMessage, limits: BodyLimits): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ ok: false, fault: 'timeout' }), limits.bodyTimeoutMs);
    getRawBody(request, { length: request.headers['content-length'] ?? null, limit: limits.bodyBytesMax })
      .then(
        (body): Reading => ({ ok: true, body }),
        (error: unknown): Reading => ({ ok: false, fault: faultOf(error) }),
      )
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}

async function decompress(bytes: Buffer, bodyBytesMax: number): Promise<Reading> {
  try {
    return { ok: true, body: await promisify(gunzip)(bytes, { maxOutputLength: bodyBytesMax }) };
  } catch (error) {
    return { ok: false, fault: hasCode(error, 'ERR_BUFFER_TOO_LARGE') ? 'too_large' : 'gzip' };
  }
}

/** The names are raw-body's: https://github.com/stream-utils/raw-body#errors */
function faultOf(error: unknown): BodyFault {
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') return 'too_large';
  if (type === 'request.size.invalid') return 'length';
  if (type === 'request.aborted' || hasCode(error, 'ECONNRESET')) return 'aborted';
  throw error;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
