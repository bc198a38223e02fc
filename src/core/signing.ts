import type { Problem, Report } from './problem.js';

export type Algorithm = 'sha1' | 'sha256' | 'sha512';

/** Where a request has a value: all of a header, or what follows a prefix in one of its parts. */
export interface Place {
  /** Lower case. */
  readonly header: string;
  readonly prefix: string;
  /** What stands between the parts of the header; null: it is one. */
  readonly separator: string | null;
}

/** A part of what is signed: one of the request, a header as it was sent, or a text, one byte a character. */
export type Part = 'timestamp' | 'body' | { readonly header: string } | { readonly text: string };

/** How a request is signed: the same for who signs and for who verifies. */
export interface Signing {
  readonly algorithm: Algorithm;
  readonly encoding: 'hex' | 'base64';
  readonly signature: Place;
  /** Null: no time is sent, and a captured request stays valid for ever. */
  readonly timestamp: (Place & { readonly unitMs: 1 | 1_000 }) | null;
  readonly signed: readonly Part[];
}

/** How it is signed by https://www.standardwebhooks.com, symmetric. */
export const STANDARD_WEBHOOKS: Signing = {
  algorithm: 'sha256',
  encoding: 'base64',
  signature: { header: 'webhook-signature', prefix: 'v1,', separator: ' ' },
  timestamp: { header: 'webhook-timestamp', prefix: '', separator: null, unitMs: 1_000 },
  signed: [{ header: 'webhook-id' }, { text: '.' }, 'timestamp', { text: '.' }, 'body'],
};

/** What a signature is made over: headers by their names in lower case, and the bytes of the body. */
export interface Signable {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** Texts hold one byte a character, as headers do. */
export type Update = readonly (string | Buffer)[];

/** What is signed, in order, texts that follow each other as one; a text says what is missing. */
export function signedBy({ signed }: Pick<Signing, 'signed'>, { headers, body }: Signable, time: string): Update | string {
  const update: (string | Buffer)[] = [];
  let text = '';
  for (const part of signed) {
    if (part === 'body') {
      if (text !== '') update.push(text);
      text = '';
      update.push(body);
    } else if (part === 'timestamp') text += time;
    else if ('text' in part) text += part.text;
    else {
      const value = headers[part.header];
      if (typeof value !== 'string' || value === '') return `there is no ${part.header}, or several`;
      text += value;
    }
  }
  if (text !== '') update.push(text);
  return update;
}

/** Gives the parts of what is signed to a hash, in order: no copy of the body is made. */
export function fed<Hash extends { update(data: string, encoding: 'latin1'): unknown; update(data: Buffer): unknown }>(
  hash: Hash,
  update: Update,
): Hash {
  for (const part of update) {
    if (typeof part === 'string') hash.update(part, 'latin1');
    else hash.update(part);
  }
  return hash;
}

/** Where a value is, as it is described in the YAML. */
interface DescribedPlace {
  readonly header: string;
  readonly prefix?: string;
  readonly separator?: string;
}

/** A way of signing, as it is described in the YAML. */
export interface DescribedSigning {
  readonly algorithm?: Algorithm;
  readonly encoding?: 'hex' | 'base64';
  readonly signature: DescribedPlace;
  readonly timestamp?: DescribedPlace & { readonly unit?: 's' | 'ms' };
  readonly signed?: readonly Part[];
}

/** What a description says. What it leaves out is what the schema has for it: hex of SHA-256, over the body. */
export function signingOf({ algorithm = 'sha256', encoding = 'hex', signature, timestamp, signed = ['body'] }: DescribedSigning): Signing {
  return {
    ...{ algorithm, encoding },
    signature: placeOf(signature),
    timestamp: timestamp === undefined ? null : { ...placeOf(timestamp), unitMs: timestamp.unit === 'ms' ? 1 : 1_000 },
    signed: signed.map(partOf),
  };
}

function placeOf({ header, prefix = '', separator }: DescribedPlace): Place {
  return { header: header.toLowerCase(), prefix, separator: separator ?? null };
}

function partOf(part: Part): Part {
  if (part === 'timestamp' || part === 'body') return part;
  // One byte a character, as a header is.
  return 'text' in part ? { text: Buffer.from(part.text).toString('latin1') } : { header: part.header.toLowerCase() };
}

/** Reports what a description leaves open: what is not signed, anybody may change. Paths begin with `at`. */
export function reportUnsigned({ signed = ['body'], timestamp }: DescribedSigning, report: Report, at: Problem['path'] = []): void {
  if (!signed.includes('body')) report({ path: [...at, 'signed'], what: 'the body is not signed: anybody may change it', remedy: 'add `body`' });
  if (timestamp !== undefined && !signed.includes('timestamp'))
    report({
      path: [...at, 'timestamp'],
      what: 'the timestamp is not signed: anybody may renew it',
      remedy: 'add `timestamp` to `signed`, or delete it here',
    });
  if (timestamp === undefined && signed.includes('timestamp'))
    report({ path: [...at, 'signed'], what: 'a timestamp is signed, and nothing says where it is', remedy: 'add `timestamp: { header: … }`' });
}
