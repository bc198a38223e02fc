/** Figures by name; a name is the head of a column. */
export type Figures = Readonly<Record<string, number>>;

export function quantile(values: ArrayLike<number>, part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2 : (sorted[Math.floor(middle)] ?? NaN);
};

/** The median of every figure over the rounds. */
export function medians<Name extends string>(rounds: readonly Readonly<Record<Name, number>>[]): Record<Name, number> {
  const names = Object.keys(rounds[0] ?? {}) as Name[];
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]))])) as Record<Name, number>;
}

/** The ratios of two variants within each round: what the machine does meanwhile weighs on both. */
export function ratios<Name extends string>(
  these: readonly Readonly<Record<Name, number>>[],
  those: readonly Readonly<Record<Name, number>>[],
  name: Name,
): number[] {
  return these.map((one, round) => one[name] / (those[round]?.[name] ?? NaN));
}

/** p50, p99 and p99.9 of latencies in ms. */
export function percentiles(latenciesMs: ArrayLike<number>): { p50: number; p99: number; p999: number } {
  return { p50: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99), p999: quantile(latenciesMs, 0.999) };
}

/** Three digits or so; whole numbers with separators. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)));
}

/** Least to most, behind a median. */
function spread(values: readonly number[]): string {
  return `${shown(Math.min(...values))}–${shown(Math.max(...values))}`;
}

/** The median, and the least and the most behind it. */
export function within(values: readonly number[], unit = ''): string {
  return values.some(Number.isNaN) ? shown(NaN) : `${shown(median(values))}${unit} (${spread(values)})`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
