const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const PER_SECOND: Readonly<Record<string, number>> = { s: 1, m: 1 / 60, h: 1 / 3_600 };

/** `90s`, `1h30m`, `1.5d` in milliseconds; null where it is no duration. Zero needs no unit. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return null;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) ms += Number(amount) * (MS[unit ?? ''] ?? NaN);
  return within(Math.round(ms));
}

/** `512KiB`, `1MB` in bytes; null where it is no size. */
export function parseSize(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([KMG]i?B|B)$/.exec(text) ?? [];
  return amount === undefined ? null : within(Math.round(Number(amount) * (BYTES[unit ?? ''] ?? NaN)));
}

/** `1/s`, `30/m` as a number a second; null where it is no rate, or zero. */
export function parseRate(text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\/(s|m|h)$/.exec(text) ?? [];
  const perSecond = Number(amount) * (PER_SECOND[unit ?? ''] ?? NaN);
  return perSecond > 0 && Number.isFinite(perSecond) ? perSecond : null;
}

/** `1h30m` for 5400000 ms: what `parseDuration` reads back. */
export function durationText(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  return Object.entries(MS)
    .reverse()
    .map(([unit, length]) => {
      const count = Math.floor(rest / length);
      rest -= count * length;
      return count === 0 ? '' : `${count}${unit}`;
    })
    .join('');
}

/** `1MiB` for 1048576 bytes: the largest unit that is a whole number of times in it. */
export function sizeText(bytes: number): string {
  const [unit, length] = Object.entries(BYTES)
    .sort(([, a], [, b]) => b - a)
    .find(([, one]) => bytes % one === 0 && bytes >= one) ?? ['B', 1];
  return `${bytes / length}${unit}`;
}

/** `30/m` for 0.5 a second: the shortest time in which it is a whole number. */
export function rateText(perSecond: number): string {
  const [unit, share] = Object.entries(PER_SECOND).find(([, one]) => Number.isInteger(rounded(perSecond / one))) ?? ['s', 1];
  return `${rounded(perSecond / share)}/${unit}`;
}

/** Without what binary fractions leave: 7/m is 0.11666… a second. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

function within(value: number): number | null {
  return Number.isSafeInteger(value) ? value : null;
}
