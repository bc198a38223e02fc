import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { fed, signedBy, type Algorithm, type Place, type Signing, type Update } from '../../core/signing.js';
import type { SignedRequest, Verdict, Verify } from '../../core/source.js';

/** How a sender signs, and how far its clock may be off. */
export interface Scheme extends Signing {
  readonly tolerance: number;
  readonly futureTolerance: number;
}

const DIGEST_BYTES: Readonly<Record<Algorithm, number>> = { sha1: 20, sha256: 32, sha512: 64 };

/** While secrets are exchanged a sender signs with each of them; more than these are not looked at. */
const SIGNATURES_MAX = 16;

/** Whole numbers in plain digits: these last some 30,000 years, in milliseconds too. */
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;

/** Verifies signatures of a scheme, made with any of the keys. Never throws; every key is tried, so that the time taken does not tell which one matched. */
export function createVerify(scheme: Scheme, keys: readonly KeyObject[]): Verify {
  const { signature, timestamp } = scheme;
  const decode = createDecode(scheme);
  const noSignature = `${nameOf(signature)} is not ${shapeOf(scheme)}`;
  const noTime =
    timestamp === null ? '' : `${nameOf(timestamp)} is not one Unix time in whole ${timestamp.unitMs === 1 ? 'milliseconds' : 'seconds'}`;
  return (request, nowMs) => {
    const sent = valuesAt(signature, request);
    if (typeof sent === 'string') return refused(sent);
    const signatures = sent.map(decode);
    if (signatures.length > SIGNATURES_MAX || !signatures.every((one) => one !== null)) return refused(noSignature);
    const times = timestamp === null ? [''] : valuesAt(timestamp, request);
    if (typeof times === 'string') return refused(times);
    const [time = ''] = times;
    if (timestamp !== null) {
      if (times.length !== 1 || !WHOLE_NUMBER.test(time)) return refused(noTime);
      const late = lateness(nowMs - Number(time) * timestamp.unitMs, scheme);
      if (late !== null) return refused(late);
    }
    const update = signedBy(scheme, request, time);
    if (typeof update === 'string') return refused(update);
    const secretIndex = matchingKey(signatures, scheme.algorithm, keys, update);
    return secretIndex === -1 ? refused('the signature matches none of the secrets') : { authentic: true, secretIndex };
  };
}

/** The signature that a scheme's sender would send, without its prefix: for senders and tests. */
export function sign(
  { algorithm, encoding, signed }: Pick<Signing, 'algorithm' | 'encoding' | 'signed'>,
  key: KeyObject,
  request: SignedRequest,
  time: string,
): string {
  const update = signedBy({ signed }, request, time);
  if (typeof update === 'string') throw new Error(update);
  return digest(algorithm, key, update).toString(encoding);
}

function digest(algorithm: Algorithm, key: KeyObject, update: Update): Buffer {
  return fed(createHmac(algorithm, key), update).digest();
}

/** Index of the key that made one of the signatures, or -1. */
function matchingKey(signatures: readonly Buffer[], algorithm: Algorithm, keys: readonly KeyObject[], update: Update): number {
  let match = -1;
  keys.forEach((key, index) => {
    const right = digest(algorithm, key, update);
    for (const signature of signatures) if (timingSafeEqual(right, signature) && match === -1) match = index;
  });
  return match;
}

/** The values at a place; a text says why there are none. A header that was sent twice comes as a list, or joined by ', '. */
function valuesAt(place: Place, { headers }: SignedRequest): readonly string[] | string {
  const { header, prefix, separator } = place;
  const value = headers[header];
  if (value === undefined || value === '') return `there is no ${header}`;
  if (typeof value !== 'string') return `${header} was sent more than once`;
  const parts = separator === null ? [value] : value.split(separator).map((part) => part.trim());
  const found = parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
  return found.length === 0 ? `there is no "${prefix}" in ${header}` : found;
}

function lateness(ageMs: number, { tolerance, futureTolerance }: Scheme): string | null {
  if (ageMs > tolerance) return `the timestamp is ${Math.round(ageMs / 1000)} s old; is a clock wrong, or was the request replayed?`;
  return -ageMs > futureTolerance ? `the timestamp is ${Math.round(-ageMs / 1000)} s in the future; is a clock wrong?` : null;
}

/** Only what a sender writes: no other text may stand for the same bytes. */
function createDecode({ algorithm, encoding }: Scheme): (text: string) => Buffer | null {
  const bytes = DIGEST_BYTES[algorithm];
  const hex = new RegExp(`^[0-9a-f]{${bytes * 2}}$`);
  const chars = Math.ceil(bytes / 3) * 4;
  return (text) => {
    if (encoding === 'hex') return hex.test(text) ? Buffer.from(text, 'hex') : null;
    if (text.length !== chars) return null;
    const decoded = Buffer.from(text, 'base64');
    return decoded.length === bytes && decoded.toString('base64') === text ? decoded : null;
  };
}

function shapeOf({ algorithm, encoding }: Scheme): string {
  const bytes = DIGEST_BYTES[algorithm];
  return encoding === 'hex' ? `${bytes * 2} digits of lower-case hex` : `${bytes} bytes of base64`;
}

function nameOf({ header, prefix }: Place): string {
  return prefix === '' ? header : `"${prefix}" in ${header}`;
}

function refused(detail: string): Verdict {
  return { authentic: false, detail };
}
