/** What is wrong with a configuration, or allowed and seldom meant, and where it stands. */
export interface Finding {
  readonly file: string;
  /** Counted from 1, as editors do. */
  readonly line: number;
  readonly column: number;
  /** `routes[2].to`; '' where it is about the YAML itself. */
  readonly path: string;
  readonly what: string;
  readonly remedy: string;
}

/** `FILE:LINE:COL  PATH: WHAT; REMEDY` */
export function lineOf({ file, line, column, path, what, remedy }: Finding): string {
  return `${file}:${line}:${column}  ${path === '' ? '' : `${path}: `}${what}; ${remedy}`;
}
