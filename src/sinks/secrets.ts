import { basicOf, decoded } from './url.js';

/** What is shorter is no secret worth the name. */
const SECRET_CHARS_MIN = 6;
const PASSWORD_CHARS_MIN = 4;

/** Names under which secrets are sent. */
const SECRET_NAME = /auth|cookie|credential|key|pass|secret|session|sig|token/i;

/** A common word is none, or every answer that holds it would be unreadable: `production`, `application/json`. */
function looksSecret(value: string): boolean {
  return value.length >= 8 && (/\d/.test(value) || (/[a-z]/.test(value) && /[A-Z]/.test(value)) || value.length >= 24);
}

/** A path's segment that nobody makes up: long, with a digit or a capital. */
const TOKEN = /^(?=.*[A-Z0-9]).{16,}$/;

/** Headers whose values are words that everybody knows. */
const PUBLIC = /^(accept.*|content-.*|user-agent|cache-control|prefer)$/i;

/** Texts of a URL that let in whoever has them, as they are written and as they are sent; what is computed of an event is none. */
export function secretsOfUrl(text: string): string[] {
  const literal = text.replace(/\{[^{}]*\}/g, '');
  if (!URL.canParse(literal)) return [];
  const url = new URL(literal);
  const query = url.search
    .slice(1)
    .split('&')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return value.length === 0 ? { name: '', value: name } : { name, value: value.join('=').replaceAll('+', ' ') };
    })
    .filter(({ name, value }) => looksSecret(value) || (SECRET_NAME.test(name) && value.length >= SECRET_CHARS_MIN));
  const written = [
    ...[url.username].filter(looksSecret),
    ...query.map(({ value }) => value),
    ...[url.password].filter((part) => part.length >= PASSWORD_CHARS_MIN),
    ...url.pathname.split('/').filter((segment) => TOKEN.test(segment)),
  ];
  return [...written.flatMap((part) => [part, part.replaceAll(' ', '+'), decoded(part)]), ...[basicOf(url)].filter((basic) => basic !== null)];
}

/** Texts of headers that may be secrets: the whole value, and its parts (`Bearer …`, `sid=…; …`). What is computed of an event is none. */
export function secretsOfHeaders(configured: Readonly<Record<string, string>>): string[] {
  return Object.entries(configured)
    .filter(([name]) => !PUBLIC.test(name))
    .flatMap(([name, value]) => {
      const literal = value
        .replaceAll('{{', '\0')
        .split(/\{[^{}]*\}/)
        .map((part) => part.replaceAll('\0', '{').replaceAll('}}', '}').trim());
      const parts = literal.flatMap((part) => [part, ...part.split(/[\s;,="]+/), part.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')]);
      const named = SECRET_NAME.test(name);
      return parts.filter((part) => looksSecret(part) || (named && part.length >= SECRET_CHARS_MIN && !SCHEME.test(part)));
    });
}

/** The first word of an `Authorization`. */
const SCHEME = /^(basic|bearer|digest|token|apikey)$/i;
