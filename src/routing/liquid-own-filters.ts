import type { Liquid } from 'liquidjs';
import { escapeSlack, slackDate, slackLink } from '../core/slack-markup.js';

type Handler = (value: unknown, ...args: unknown[]) => unknown;

/** Filters beside Liquid's own. What is no number is left as it is: a message with an odd value is better than none. */
const FILTERS: Readonly<Record<string, Handler>> = {
  bytes: (value) => ofNumber(value, inBytes),
  duration: (value, unit) => ofNumber(value, (number) => inWords(number, unit === 'ms' ? 1 : unit === 'm' ? 60_000 : 1_000)),
  money: (value, currency) => ofNumber(value, (number) => inMoney(number, typeof currency === 'string' ? currency : 'USD')),
  /** Liquid's own cuts a character in two. */
  truncate: (value, length, ellipsis) => truncated(shown(value), length, ellipsis === undefined ? '…' : shown(ellipsis)),
};

/** Filters that give Slack's markup: what they put out is escaped already. */
const MARKUP: Readonly<Record<string, Handler>> = {
  'slack-date': (value) => slackDate(shown(value)),
  'slack-escape': (value) => escapeSlack(shown(value)),
  'slack-link': (value, words) => slackLink(shown(value), shown(words ?? value)),
};

export function registerOwnFilters(engine: Liquid): void {
  for (const [name, handler] of Object.entries(FILTERS)) engine.registerFilter(name, handler);
  for (const [name, handler] of Object.entries(MARKUP)) engine.registerFilter(name, { handler, raw: true });
}

/** What a value of an event looks like in a text: JSON, where it is no text itself. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function ofNumber(value: unknown, format: (number: number) => string): unknown {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? format(number) : value;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function inBytes(bytes: number): string {
  const size = Math.abs(bytes);
  const step = Math.min(BYTE_UNITS.length - 1, size < 1 ? 0 : Math.floor(Math.log2(size) / 10));
  const scaled = bytes / 1_024 ** step;
  return `${Number.isInteger(scaled) ? scaled : scaled.toFixed(1)} ${BYTE_UNITS[step] ?? ''}`;
}

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** The two largest units: `1d 4h`, `3m 20s`, `250ms`. */
function inWords(number: number, unitMs: number): string {
  let rest = Math.round(Math.abs(number) * unitMs);
  const words: string[] = [];
  const first = DURATION_UNITS.findIndex(([, ms]) => rest >= ms);
  if (first === -1) return '0s';
  for (const [name, ms] of DURATION_UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) words.push(`${count}${name}`);
  }
  return (number < 0 ? '-' : '') + words.join(' ');
}

function inMoney(amount: number, currency: string): string {
  if (!/^[A-Za-z]{3}$/.test(currency)) return `${amount.toFixed(2)} ${currency}`;
  return new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amount);
}

function truncated(text: string, length: unknown, ellipsis: string): string {
  const max = Math.max(0, Math.floor(Number(length ?? 50)) || 0);
  // A character of the text is two units at most: there is no need to take a long text apart.
  const characters = Array.from(text.slice(0, 2 * max + 2));
  if (characters.length <= max) return text;
  return characters.slice(0, Math.max(0, max - Array.from(ellipsis).length)).join('') + ellipsis;
}
