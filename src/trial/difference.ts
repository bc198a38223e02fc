import { valueWords } from './words.js';

/** A part of a message that is not what was expected: where, and how it differs, line by line. */
export interface Difference {
  /** `headers.castbridge-type`, `blocks[0].text` */
  readonly path: string;
  readonly lines: readonly string[];
}

/** Parts beyond this many are not told: the first ones say what is wrong. */
const DIFFERENCES_MAX = 10;

/**
 * Where `actual` lacks what `expected` says. A mapping may have more keys than were expected, a list must have as many items; texts are compared
 * exactly. Where a mapping or a list is expected and a text is sent, the JSON in that text is looked at.
 */
export function differencesOf(expected: unknown, actual: unknown, path = ''): readonly Difference[] {
  return compare(expected, actual, path).slice(0, DIFFERENCES_MAX);
}

function compare(expected: unknown, sent: unknown, path: string): Difference[] {
  if (expected === null || typeof expected !== 'object') return same(expected, sent ?? null) ? [] : [{ path, lines: linesOf(expected, sent) }];
  const actual = typeof sent === 'string' ? parsed(sent) : sent;
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [{ path, lines: linesOf(expected, sent) }];
    const count = expected.length === actual.length ? [] : [{ path, lines: [`expected ${expected.length} items`, `sent     ${actual.length}`] }];
    return [...count, ...expected.flatMap((item, index) => (index < actual.length ? compare(item, actual[index], `${path}[${index}]`) : []))];
  }
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return [{ path, lines: linesOf(expected, sent) }];
  const values = actual as Readonly<Record<string, unknown>>;
  return Object.entries(expected).flatMap(([key, value]) =>
    compare(value, Object.hasOwn(values, key) ? values[key] : undefined, path === '' ? key : `${path}.${key}`),
  );
}

function same(expected: unknown, actual: unknown): boolean {
  return expected === actual || (expected === undefined && actual === null);
}

/** The JSON in a text; the text itself where there is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function linesOf(expected: unknown, actual: unknown): string[] {
  if (typeof expected === 'string' && typeof actual === 'string') return textLines(expected, actual);
  return [`expected ${valueWords(expected)}`, `sent     ${actual === undefined ? 'nothing of that name' : valueWords(actual)}`];
}

/** Lines of context are not told beyond this: what differs is looked for, not the text. */
const LINES_MAX = 20;

/** `-` is what was expected, `+` what would be sent. Lines that both begin and both end with are left out. */
function textLines(expected: string, actual: string): string[] {
  if (!expected.includes('\n') && !actual.includes('\n')) return [`expected ${JSON.stringify(expected)}`, `sent     ${JSON.stringify(actual)}`];
  if (expected.trimEnd() === actual.trimEnd()) return ['they differ only at the end', `- ${tail(expected)}`, `+ ${tail(actual)}`];
  const [wanted, sent] = [expected.split('\n'), actual.split('\n')];
  const head = wanted.findIndex((line, index) => line !== sent[index]);
  const from = head === -1 ? wanted.length : head;
  let end = 0;
  while (end < Math.min(wanted.length, sent.length) - from && wanted.at(-1 - end) === sent.at(-1 - end)) end += 1;
  const only = (lines: readonly string[], sign: string): string[] => cut(lines.slice(from, lines.length - end)).map((line) => `${sign} ${line}`);
  return [`from line ${from + 1} on:`, ...only(wanted, '-'), ...only(sent, '+')];
}

/** A line end at the end is easy to overlook: YAML's `|` leaves one, `|-` does not. */
function tail(text: string): string {
  return `${JSON.stringify(text.slice(-20))}${text.endsWith('\n') ? ' (YAML: `|` keeps the last line end, `|-` does not)' : ''}`;
}

function cut(lines: readonly string[]): readonly string[] {
  return lines.length <= LINES_MAX ? lines : [...lines.slice(0, LINES_MAX), `… ${lines.length - LINES_MAX} more`];
}
