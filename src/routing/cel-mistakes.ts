/** What is wrong with an expression, in plain words. */
export interface Mistake {
  readonly what: string;
  readonly remedy: string;
  /** Of the token that is at fault, in the expression. */
  readonly offset: number;
}

export function celMistake(source: string, error: unknown): Mistake {
  const range = typeof error === 'object' && error !== null && 'range' in error ? (error.range as { start: number } | undefined) : undefined;
  return {
    what: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? source,
    remedy: 'mend the CEL expression',
    offset: range?.start ?? 0,
  };
}
