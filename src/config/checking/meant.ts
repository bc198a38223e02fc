import { parseDuration, parseRate, parseSize } from '../schema/units.js';

/** How a unit is read, and what to tell somebody who wrote it wrong. */
export interface UnitRule {
  readonly parse: (text: string) => unknown;
  readonly name: string;
  readonly remedy: string;
  /** How a number without its unit is likely to be meant. */
  readonly ofNumber: (number: string) => string;
  readonly belowMin: string;
  readonly aboveMax: string;
}

export const UNITS: Readonly<Record<string, UnitRule>> = {
  duration: {
    parse: parseDuration,
    name: 'duration',
    remedy: 'write a number with its unit: 500ms, 10s, 5m, 1h30m, 7d',
    ofNumber: (number) => `write ${number}s for seconds, ${number}m for minutes, or another unit: ms, h, d`,
    belowMin: 'too short',
    aboveMax: 'too long',
  },
  size: {
    parse: parseSize,
    name: 'size',
    remedy: 'write a number with its unit: 512KiB, 1MiB, 1MB',
    ofNumber: (number) => `write ${number}B for bytes, or another unit: KiB, MiB, KB, MB`,
    belowMin: 'too small',
    aboveMax: 'too large',
  },
  rate: {
    parse: parseRate,
    name: 'rate',
    remedy: 'write a number a second, minute or hour: 1/s, 30/m',
    ofNumber: (number) => `write ${number}/s, ${number}/m or ${number}/h`,
    belowMin: 'too slow',
    aboveMax: 'too fast',
  },
  secret: { parse: (text) => text, name: 'text', remedy: '', ofNumber: () => 'put quotes around it', belowMin: '', aboveMax: '' },
};

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(s|secs?|seconds?)$/i, 's'],
  [/^(m|mins?|minutes?)$/i, 'm'],
  [/^(h|hrs?|hours?)$/i, 'h'],
  [/^(d|days?)$/i, 'd'],
];

const SIZES: readonly (readonly [RegExp, string])[] = [
  [/^(b|bytes?)$/i, 'B'],
  [/^kb?$/i, 'KB'],
  [/^ki(b)?$/i, 'KiB'],
  [/^mb?$/i, 'MB'],
  [/^mi(b)?$/i, 'MiB'],
  [/^gb?$/i, 'GB'],
  [/^gi(b)?$/i, 'GiB'],
];

/** What a text that is no value of this unit was likely meant to be, in the way it is written here; null where that is not clear. */
export function meant(unit: string, text: string): string | null {
  const plain = text.trim().replace(/(\d),(\d)/g, '$1.$2');
  const candidate = unit === 'duration' ? durationMeant(plain) : unit === 'size' ? sizeMeant(plain) : unit === 'rate' ? rateMeant(plain) : null;
  return candidate !== null && UNITS[unit]?.parse(candidate) !== null ? candidate : null;
}

function durationMeant(text: string): string | null {
  const weeks = /^(\d+) ?(w|weeks?)$/i.exec(text)?.[1];
  if (weeks !== undefined) return `${Number(weeks) * 7}d`;
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(text);
  if (iso !== null) return [1, 2, 3, 4].map((group) => (iso[group] === undefined ? '' : `${iso[group]}${'dhms'[group - 1] ?? ''}`)).join('');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gi)];
  if (parts.map(([whole]) => whole).join('') !== text) return null;
  return parts.map(([, amount, word]) => `${amount ?? ''}${unitOf(word ?? '', WORDS) ?? '?'}`).join('');
}

function sizeMeant(text: string): string | null {
  const [, amount, word] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  return amount === undefined ? null : `${amount}${unitOf(word ?? '', SIZES) ?? '?'}`;
}

function rateMeant(text: string): string | null {
  const [, amount, word] = /^(\d+(?:\.\d+)?)\s*(?:\/|per)\s*1?([a-z]+)$/i.exec(text) ?? [];
  return amount === undefined ? null : `${amount}/${unitOf(word ?? '', WORDS) ?? '?'}`;
}

function unitOf(word: string, units: readonly (readonly [RegExp, string])[]): string | null {
  return units.find(([pattern]) => pattern.test(word))?.[1] ?? null;
}

const TRUE = /^(yes|on|y|true)$/i;
const FALSE = /^(no|off|n|false)$/i;

/** The switch that a text or a number is likely to mean; null where that is not clear. */
export function switchMeant(value: unknown): boolean | null {
  const text = typeof value === 'string' ? value.trim() : '';
  if (value === 1 || TRUE.test(text)) return true;
  return value === 0 || FALSE.test(text) ? false : null;
}

/** The number that a text is likely to mean: `3000` in quotes, `1_000`, `1,000`; null where that is not clear. */
export function numberMeant(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const digits = value.trim();
  if (/^-?\d{1,15}$/.test(digits)) return Number(digits);
  return /^\d{1,3}([_,]\d{3})+$/.test(digits) || /^\d+(_\d+)+$/.test(digits) ? Number(digits.replace(/[_,]/g, '')) : null;
}
