import type { EventHeaders } from '../../core/event.js';
import type { SecretEncoding } from '../../core/secret.js';
import type { Part, Place, Signing } from '../../core/signing.js';
import type { Setup } from '../../core/source.js';

/** How to set up a sender that signs, and how a shell with openssl signs in its place. */
export function signingSetup(scheme: Signing, secrets: SecretEncoding, sent: EventHeaders): Setup {
  const { algorithm, encoding, signature, timestamp, signed } = scheme;
  const headers = new Map<string, string>();
  const put = ({ header, prefix, separator }: Place, value: string): void => {
    const before = headers.get(header);
    headers.set(header, `${before === undefined ? '' : before + (separator ?? ' ')}${inDoubleQuotes(prefix)}${value}`);
  };
  const time = timestamp?.unitMs === 1 ? '${T}000' : '${T}';
  for (const part of signed)
    if (typeof part === 'object' && 'header' in part && sent[part.header] === undefined)
      put({ header: part.header, prefix: '', separator: null }, FILLER);
  if (timestamp !== null) put(timestamp, time);
  const text = signed.map((part) => partInShell(part, time, sent)).join('');
  const written = encoding === 'hex' ? HEX : BASE64;
  put(signature, `$(printf %s "${text}" | openssl dgst -${algorithm} ${keyInShell(secrets)} -binary | ${written})`);
  const place = signature.prefix === '' ? signature.header : `${signature.header} behind ${signature.prefix}`;
  return {
    sender: [
      'Give it the secret.',
      `It signs with HMAC-${algorithm.toUpperCase()}, over ${signed.map(partInWords).join(', ')}; the signature, in ${encoding}, comes in ${place}`,
    ],
    headers: [...headers].map(([header, value]) => `${header}: ${value}`),
  };
}

/** What stands in a header that is signed, and that nothing else has a value for. */
const FILLER = 'test';

const HEX = String.raw`od -An -vtx1 | tr -d ' \n'`;
const BASE64 = String.raw`base64 | tr -d '\n'`;

function keyInShell(secrets: SecretEncoding): string {
  if (secrets === 'text') return '-hmac "${SECRET}"';
  const hex = secrets === 'hex' ? '${SECRET}' : `$(printf %s "\${SECRET#whsec_}" | base64 -d | ${HEX})`;
  return `-mac HMAC -macopt "hexkey:${hex}"`;
}

function partInShell(part: Part, time: string, sent: EventHeaders): string {
  if (part === 'body') return '${BODY}';
  if (part === 'timestamp') return time;
  return inDoubleQuotes('text' in part ? textOf(part) : (sent[part.header] ?? FILLER));
}

function partInWords(part: Part): string {
  if (part === 'body') return 'the body';
  if (part === 'timestamp') return 'the time';
  return 'text' in part ? JSON.stringify(textOf(part)) : part.header;
}

/** Texts of a scheme hold one byte a character. */
function textOf({ text }: { readonly text: string }): string {
  return Buffer.from(text, 'latin1').toString();
}

/** The user and the password of Basic, as a shell writes them. */
export function basicInShell(username: string): string {
  return `$(printf %s "${inDoubleQuotes(username)}:\${SECRET}" | ${BASE64})`;
}

/** A text between double quotes of a shell. */
export function inDoubleQuotes(text: string): string {
  return text.replace(/["$`\\]/g, '\\$&');
}
