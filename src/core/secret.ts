import type { Problem, Report } from './problem.js';

/** Shorter than this a secret can be guessed from one captured request. */
export const SECRET_BYTES_MIN = 16;

/** More than this is not looked at: no placeholder is that long, and the search stays linear in practice. */
const PLACEHOLDER_CHARS_MAX = 128;

/** What documentation and examples put where a secret belongs: a text of nothing but these words is nobody's secret. */
const PLACEHOLDER_WORDS = [
  'your|yours|my|our|the|this|some|insert|enter|put|set|use|add|replace|change|rotate|please|me|it|here|goes|with|in',
  'castai|castbridge|whsec|webhooks?|hooks?|signing|signature|shared|hmac|api|app|client|private|real|actual|super|very|top|long|random',
  'secrets?|tokens?|passwords?|passwd|pass|keys?|value|string|text',
  'test|testing|tests|example|sample|dummy|demo|default|fake|mock|local|dev|development|placeholder|todo|tbd|fixme|foo|bar|baz|qux',
  'none|null|nil|undefined|empty|true|false|admin|root|guest|qwerty|letmein|hunter2|redacted',
].join('|');
const ONLY_PLACEHOLDER_WORDS = new RegExp(`^(?:${PLACEHOLDER_WORDS})+$`);

/** What is wrong with a secret, or null. The text says nothing of the secret itself. */
export function secretFault(secret: string): { readonly what: string; readonly remedy: string } | null {
  const remedy = 'set a random one, such as `openssl rand -hex 32` prints';
  if (secret.trim() === '') return { what: 'the secret is empty', remedy };
  if (isPlaceholder(secret)) return { what: 'the secret is a placeholder', remedy };
  if (Buffer.byteLength(secret) < SECRET_BYTES_MIN) return { what: `the secret is shorter than ${SECRET_BYTES_MIN} bytes`, remedy };
  return null;
}

/** How a secret is written down. */
export type SecretEncoding = 'text' | 'base64' | 'hex';

/** Reports what is wrong with secrets: `path` is that of their list. */
export function reportSecrets(secrets: readonly string[], path: Problem['path'], report: Report, encoding: SecretEncoding = 'text'): void {
  secrets.forEach((secret, index) => {
    const fault = secretFault(secret) ?? encodingFault(secret, encoding);
    if (fault !== null) report({ path: [...path, index], ...fault });
  });
}

function encodingFault(secret: string, encoding: SecretEncoding): ReturnType<typeof secretFault> {
  const bytes = secretBytes(secret, encoding);
  if (bytes === null) return { what: `the secret is no ${encoding}`, remedy: 'copy it whole, as it is shown where it was made' };
  if (bytes.length >= SECRET_BYTES_MIN) return null;
  return { what: `the secret is shorter than ${SECRET_BYTES_MIN} bytes`, remedy: 'have a longer one made' };
}

/** The bytes of a secret; null where it is not written so. */
export function secretBytes(secret: string, encoding: SecretEncoding): Buffer | null {
  if (encoding === 'text') return Buffer.from(secret);
  // What senders after Standard Webhooks put before it.
  const text = secret.replace(/^whsec_/, '');
  const bytes = Buffer.from(text, encoding);
  const again = bytes.toString(encoding);
  return again === text || again.replace(/=+$/, '') === text || (encoding === 'hex' && again === text.toLowerCase()) ? bytes : null;
}

function isPlaceholder(secret: string): boolean {
  // An unresolved reference, a template's hole, <angle brackets>: somebody's substitution did not run.
  if (/\$\{|\{\{|^<.*>$|^%.*%$|^\$[A-Za-z_]\w*$/.test(secret.trim())) return true;
  if (secret.length > PLACEHOLDER_CHARS_MAX) return false;
  const letters = secret.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  const rest = letters.replace(/^(?:whsec|sk|pk)/, '');
  return ONLY_PLACEHOLDER_WORDS.test(letters) || isOneCharacter(secret.trim()) || isOneCharacter(rest) || /^(?:0?123456789)+0?[0-9]{0,8}$/.test(rest);
}

/** `xxxxxxxx`, `********`. */
function isOneCharacter(text: string): boolean {
  return /^(.)\1*$/s.test(text);
}
