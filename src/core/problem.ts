/** A mistake in the configuration: where, what, and what to do. */
export interface Problem {
  /** Keys from the document's root: ['sinks', 'ops', 'text']. */
  readonly path: readonly (string | number)[];
  readonly what: string;
  readonly remedy: string;
  /** Offset inside the text at `path`, where the mistake is in an expression. */
  readonly offset?: number;
  /** The mistake is the key at the end of `path`, not its value. */
  readonly atKey?: true;
  /** What else it was concluded from: where a mistake of one of these was told, this is not. */
  readonly from?: readonly Problem['path'][];
}

/** Collects problems while a configuration is built, so that one run shows them all. */
export type Report = (problem: Problem) => void;
