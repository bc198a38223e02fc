import type { Problem } from '../../core/problem.js';
import type { Kinds } from '../../kinds.js';

/** Names under which people keep secrets, whatever the schema says of them. */
const SECRET_NAME = /auth|cookie|credential|passw|secret|session|signature|token|webhookurl|^url$|^proxy$/i;

/** May what stands at this path hold a secret? Then it is not repeated, not even to say how to write it. */
export function isSecretive(path: Problem['path'], schema: object): boolean {
  const { unit, items } = schema as { readonly unit?: string; readonly items?: { readonly unit?: string } };
  return (
    unit === 'secret' ||
    items?.unit === 'secret' ||
    path.slice(2).some((part) => SECRET_NAME.test(String(part))) ||
    SECRET_NAME.test(String(path.at(-1)))
  );
}

/** Longer texts are no misspelt words. */
const WORD_CHARS_MAX = 32;

/** May a text that is wrong be repeated, wherever it stands? Not what looks like a secret that came to the wrong place. */
export function isTellable(text: string): boolean {
  const isMixed = text.length >= 8 && /\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text);
  const isHex = /[\da-f]{16,}/i.test(text);
  return text.length <= WORD_CHARS_MAX && !isMixed && !isHex && !text.includes('://');
}

/** A substituted text shorter than this is too common to redact: `prod`, `3000`. */
const REDACTED_CHARS_MIN = 8;

/** Of the texts that references were replaced with, those that are shown nowhere. */
export function secretsAmong(substituted: readonly string[]): string[] {
  return substituted.filter((text) => text.length >= REDACTED_CHARS_MIN);
}

/** The texts below `value` that stand under a key which some kind calls a secret, also where it has no such key: they are shown nowhere. */
export function textsUnder(keys: ReadonlySet<string>, value: unknown): string[] {
  const found: string[] = [];
  const walk = (at: unknown, secret: boolean): void => {
    if (secret && (typeof at === 'string' || typeof at === 'number')) found.push(String(at));
    if (typeof at !== 'object' || at === null) return;
    for (const [key, below] of Object.entries(at)) walk(below, secret || keys.has(key));
  };
  walk(value, false);
  return found;
}

/** Names of keys that hold secrets in every kind that has them: what stands there is shown nowhere, also where the kind has no such key. */
export function secretKeys(kinds: Kinds): ReadonlySet<string> {
  const secret = new Set(['secret', 'password', 'passwords', 'token']);
  const plain = new Set<string>();
  const look = (schema: unknown): void => {
    for (const [key, below] of Object.entries((Object(schema) as { properties?: object }).properties ?? {})) {
      const held = below as { readonly unit?: string; readonly items?: { readonly unit?: string } };
      if (held.unit === 'secret' || held.items?.unit === 'secret') secret.add(key);
      else plain.add(key);
      look(below);
    }
  };
  for (const kind of [...kinds.sinks, ...kinds.verifiers, ...kinds.pollers]) look(kind.schema);
  return new Set([...secret].filter((key) => !plain.has(key)));
}
