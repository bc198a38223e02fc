import type { Redact } from '../core/redact.js';

/** What lies deeper is not shown: nobody reads it, and each level takes a part of the stack. */
const LEVELS_MAX = 500;

/** A copy of plain JSON in which every text, keys too, went through `redact`. */
export function redacted(value: unknown, redact: Redact, level = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (level === LEVELS_MAX) return `(more than ${LEVELS_MAX} levels)`;
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact, level + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redacted(item, redact, level + 1)]));
}
