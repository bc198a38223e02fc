import { basicOf, decoded } from './url.js';

/** What is shorter is no secret worth the name, or a common word: redacting it would make every answer unreadable. */
const SECRET_CHARS_MIN = 8;
const PASSWORD_CHARS_MIN = 4;

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
    .map((pair) => pair.slice(pair.indexOf('=') + 1).replaceAll('+', ' '));
  const written = [
    ...[url.username, ...query].filter((part) => part.length >= SECRET_CHARS_MIN),
    ...[url.password].filter((part) => part.length >= PASSWORD_CHARS_MIN),
    ...url.pathname.split('/').filter((segment) => TOKEN.test(segment)),
  ];
  return [...written.flatMap((part) => [part, part.replaceAll(' ', '+'), decoded(part)]), ...[basicOf(url)].filter((basic) => basic !== null)];
}

/** Values of headers that may be secrets, also without the scheme before them (`Bearer …`). What is computed of an event is none. */
export function secretsOfHeaders(configured: Readonly<Record<string, string>>): string[] {
  const literal = Object.entries(configured).filter(([name, value]) => !PUBLIC.test(name) && !value.replaceAll('{{', '').includes('{'));
  return literal
    .map(([, value]) => value.replaceAll('{{', '{').replaceAll('}}', '}'))
    .flatMap((value) => [value, value.replace(/^\S+\s+/, '')])
    .filter((value) => value.length >= SECRET_CHARS_MIN);
}
