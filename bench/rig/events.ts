import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Distinct events of one length, signed, as whole requests one behind the other in a file. */
export interface Batch {
  readonly file: string;
  readonly count: number;
  /** Every request has this length, so that a generator reads the next one without a look at it. */
  readonly requestBytes: number;
  /** In the ids of this batch, `evt_RUN_NUMBER`, and of no other one. */
  readonly run: string;
  /** CRC-32 of each body, by its number. */
  readonly checks: Uint32Array;
  remove(): void;
}

export const PATH = '/webhooks/castai';
export const BODY_BYTES = 1_024;
/** So many types and clusters there are, one a row of the table. */
export const KINDS = 20;

const RUN_DIGITS = 6;
const NUMBER_DIGITS = 8;
/** A body begins with its id: what arrives is known by it, whatever brought it. */
const ID_AT = '{"id":"evt_'.length;
const CHUNK = 1_000;
const NOISE = randomBytes(65_536).toString('hex');

/** Signs `count` events, into a file in `folder`, with the time of now: a receiver takes them for a few minutes. */
export function makeEvents(folder: string, secret: string, count: number): Batch {
  const run = randomBytes(RUN_DIGITS / 2).toString('hex');
  const file = join(folder, `${run}.requests`);
  const checks = new Uint32Array(count);
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const output = openSync(file, 'wx', 0o600);
  let requestBytes = 0;
  for (let from = 0; from < count; from += CHUNK) {
    const requests: Buffer[] = [];
    for (let n = from; n < Math.min(from + CHUNK, count); n++) {
      const body = bodyOf(run, n);
      checks[n] = crc32(body);
      const request = requestOf(body, timestamp, createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex'));
      requestBytes = request.length;
      requests.push(request);
    }
    writeSync(output, Buffer.concat(requests));
  }
  // On a disk, what is still to be written would be written beneath the syncs that are measured.
  fsyncSync(output);
  closeSync(output);
  return { file, count, requestBytes, run, checks, remove: () => rmSync(file, { force: true }) };
}

/** What it looks like to have a cluster and its nodes; the rest of the kilobyte is a text of its own for each. */
export function bodyOf(run: string, n: number, bytes = BODY_BYTES): Buffer {
  const kind = n % KINDS;
  const head = `{"id":"evt_${run}_${String(n).padStart(NUMBER_DIGITS, '0')}","type":"resource.t${String(kind).padStart(2, '0')}","created":"2026-01-12T09:24:07Z","data":{"clusterId":"3f1c8f0e-7a53-4c0e-9d51-0b6d5a2e9c${String(kind).padStart(2, '0')}","clusterName":"prod-eu-${String(kind).padStart(2, '0')}","severity":"critical","name":"Node deletion failed","nodes":[{"name":"ip-10-0-3-17","zone":"eu-west-1a","cpu":8,"memoryMiB":32768,"spot":true},{"name":"ip-10-0-3-18","zone":"eu-west-1b","cpu":16,"memoryMiB":65536,"spot":false}],"labels":{"team":"platform","env":"prod","provisioner":"default"},"message":"`;
  const room = bytes - head.length - 3;
  const from = (n * 37) % (NOISE.length - room);
  return Buffer.from(`${head}${NOISE.slice(from, from + room)}"}}`, 'latin1');
}

function requestOf(body: Buffer, timestamp: string, signature: string): Buffer {
  const head = `POST ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-castai-timestamp: ${timestamp}\r\nx-castai-signature: ${signature}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** The run and the number in a body; null where it is none of these. */
export function identityOf(body: Buffer): { readonly run: string; readonly n: number } | null {
  const run = body.toString('latin1', ID_AT, ID_AT + RUN_DIGITS);
  const n = Number(body.toString('latin1', ID_AT + RUN_DIGITS + 1, ID_AT + RUN_DIGITS + 1 + NUMBER_DIGITS));
  return body.toString('latin1', 0, ID_AT) === '{"id":"evt_' && Number.isInteger(n) ? { run, n } : null;
}
