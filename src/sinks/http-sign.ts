import { createHmac } from 'node:crypto';
import type { Problem, Report } from '../core/problem.js';
import { reportSecrets, secretBytes } from '../core/secret.js';
import { fed, reportUnsigned, signedBy, signingOf, STANDARD_WEBHOOKS, type Place, type Signable, type Signing } from '../core/signing.js';
import { headerFault, valueFault } from './headers.js';
import type { Config } from './http-config.js';

type Sign = NonNullable<Config['sign']>;
type Headers = Readonly<Record<string, string>>;

/** Signs requests. */
export interface Signer {
  /** The headers that prove who sent exactly this request, and when. */
  sign(request: Signable, deliveryId: string, nowMs: number): Headers;
  /** The same for people who ask before it is sent: with words where the time and the signature will be. */
  shown(deliveryId: string): Headers;
}

/** What shows in the place of what is known only when it is sent. */
const TIME_SHOWN = '(time of the attempt)';
const SIGNATURE_SHOWN = '(signature)';

export function createSigner(sign: Sign): Signer {
  const signing = signingIn(sign);
  const keys = sign.secrets.map((secret) => secretBytes(secret, encodingOf(sign)) ?? Buffer.alloc(0));
  return {
    sign({ headers, body }, deliveryId, nowMs) {
      const own = ownHeaders(sign, deliveryId);
      const time = String(Math.floor(nowMs / (signing.timestamp?.unitMs ?? 1)));
      const update = signedBy(signing, { headers: { ...headers, ...own }, body }, time);
      if (typeof update === 'string') throw new Error(update);
      const signatures = keys.map((key) => fed(createHmac(signing.algorithm, key), update).digest(signing.encoding));
      return { ...own, ...written(signing, time, signatures) };
    },
    shown: (deliveryId) => ({
      ...ownHeaders(sign, deliveryId),
      ...written(
        signing,
        TIME_SHOWN,
        keys.map(() => SIGNATURE_SHOWN),
      ),
    }),
  };
}

function signingIn(sign: Sign): Signing {
  const { type, signature } = sign;
  // Where it is missing, that was reported, and nothing is ever signed.
  return type === 'hmac' && signature !== undefined ? signingOf({ ...sign, signature }) : STANDARD_WEBHOOKS;
}

function encodingOf({ type, secretEncoding = 'text' }: Sign): 'text' | 'base64' | 'hex' {
  return type === 'standard-webhooks' ? 'base64' : secretEncoding;
}

/** What is signed and belongs to the scheme. The id holds a dot; what would read it otherwise would take the delivery's index for the time, which is never recent. */
function ownHeaders({ type }: Sign, deliveryId: string): Headers {
  return type === 'standard-webhooks' ? { 'webhook-id': deliveryId } : {};
}

/** The time comes first, as Stripe has it. */
function written({ timestamp, signature }: Signing, time: string, signatures: readonly string[]): Headers {
  const headers: Record<string, string> = {};
  const put = ({ header, prefix, separator }: Place, value: string): void => {
    const before = headers[header];
    headers[header] = `${before === undefined ? '' : before + (separator ?? ' ')}${prefix}${value}`;
  };
  if (timestamp !== null) put(timestamp, time);
  for (const one of signatures) put(signature, one);
  return headers;
}

/** Names of the headers that a signature is made over and that must be there: in lower case. */
export function signedHeaders(sign: Sign): string[] {
  const own = ownHeaders(sign, '');
  return signingIn(sign).signed.flatMap((part) =>
    typeof part === 'object' && 'header' in part && !Object.hasOwn(own, part.header) ? [part.header] : [],
  );
}

const HMAC_KEYS = ['secretEncoding', 'algorithm', 'encoding', 'signature', 'timestamp', 'signed'] as const;

/** Reports what a schema cannot see. `sent`: the headers that a request has beside, in lower case. */
export function reportSign(sign: Sign, sent: readonly string[], report: Report): void {
  const at = ['sign'];
  reportSecrets(sign.secrets, [...at, 'secrets'], report, encodingOf(sign));
  if (sign.type === 'standard-webhooks') {
    for (const key of HMAC_KEYS)
      if (sign[key] !== undefined)
        report({ path: [...at, key], atKey: true, what: '`standard-webhooks` says this itself', remedy: 'delete it, or set `type: hmac`' });
  } else if (sign.signature === undefined) {
    report({ path: at, what: '"signature" is missing', remedy: 'add it, such as `signature: { header: X-Signature }`: where the signature goes' });
    return;
  } else reportHmac({ ...sign, signature: sign.signature }, sent, report);
  reportTaken(sign, sent, report);
}

type Hmac = Sign & Required<Pick<Sign, 'signature'>>;

function reportHmac(sign: Hmac, sent: readonly string[], report: Report): void {
  const { secrets, signature, timestamp, signed } = sign;
  reportUnsigned(sign, report, ['sign']);
  if (secrets.length > 1 && signature.separator === undefined)
    report({
      path: ['sign', 'secrets'],
      what: 'each secret makes a signature, and the header has room for one',
      remedy: 'leave one secret, or say what stands between signatures: `separator`',
    });
  if (timestamp?.header.toLowerCase() === signature.header.toLowerCase() && (signature.separator ?? '') !== (timestamp.separator ?? ' '))
    report({
      path: ['sign', 'timestamp', 'header'],
      what: 'the signature is in this header too, and nothing says what stands between them',
      remedy: 'give both the same `separator`',
    });
  (signed ?? []).forEach((part, index) => {
    if (typeof part !== 'object' || !('header' in part) || sent.includes(part.header.toLowerCase())) return;
    report({ path: ['sign', 'signed', index, 'header'], what: 'no such header is sent', remedy: 'add it to `headers`', from: [['headers']] });
  });
}

/** A header that is set twice is neither. */
function reportTaken(sign: Sign, sent: readonly string[], report: Report): void {
  const signing = signingIn(sign);
  const names = [...Object.keys(ownHeaders(sign, '')), signing.signature.header, ...(signing.timestamp === null ? [] : [signing.timestamp.header])];
  const taken = names.find((name) => sent.includes(name));
  if (taken !== undefined)
    report({
      path: ['sign'],
      what: `the header "${taken}" is set elsewhere too`,
      remedy: 'delete it there, or sign with another',
      from: [['headers']],
    });
  for (const key of ['signature', 'timestamp'] as const) {
    const place = sign[key];
    if (place === undefined) continue;
    const at: Problem['path'] = ['sign', key];
    const [header, prefix, separator] = [headerFault(place.header), valueFault(place.prefix), valueFault(place.separator ?? '')];
    if (header !== null) report({ path: [...at, 'header'], ...header });
    if (prefix !== null) report({ path: [...at, 'prefix'], ...prefix });
    if (separator !== null) report({ path: [...at, 'separator'], ...separator });
  }
}
