import type { Decoded } from './event.js';
import type { Report } from './problem.js';

/** An HTTP request as verifiers see it: header names in lower case, repeated headers as Node joins them. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The received bytes, unchanged. */
  readonly body: Buffer;
}

/** Is it authentic? `secretIndex` says which of the source's secrets matched; `detail` is for the log, never for the sender. */
export type Verdict = { readonly authentic: true; readonly secretIndex: number | null } | { readonly authentic: false; readonly detail: string };

/** Never throws, whatever the headers hold; compares in constant time. */
export type Verify = (request: SignedRequest, nowMs: number) => Verdict;

/** A kind of verifier: one file, one line in kinds.ts, one contract test. */
export interface VerifierKind<Config = never> {
  readonly type: string;
  readonly description: string;
  /** TypeBox schema of the keys beside `type`. */
  readonly schema: object;
  /** Reports what a schema cannot see: an empty or placeholder secret. Paths are relative to `verify`. */
  prepare(config: Config, report: Report): Verify;
  /** How long a captured request stays valid, in ms: the dedup window must not be shorter. Null: for ever. */
  replayMs(config: Config): number | null;
}

/** What a body says, or one plain line of why it cannot be read. */
export type Decoding = { readonly ok: true; readonly event: Decoded } | { readonly ok: false; readonly detail: string };

/** A kind of format: one file, one line in kinds.ts. Pure and total. */
export interface FormatKind {
  readonly type: string;
  readonly description: string;
  decode(body: Buffer): Decoding;
}
