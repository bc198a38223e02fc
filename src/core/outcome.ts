/**
 * What one attempt came to.
 * - `delivered`: the far side confirmed it.
 * - `retry`: it may work later. `afterMs` is the far side's own wish (Retry-After), unclamped.
 *   `holdSink` says the fault is the far side's as a whole (429, refused connection), not this message's.
 *   `pause`: the far side says that it wants nothing any more: the sink pauses, loudly, and what waits is kept beyond attempts and age.
 * - `rejected`: it will never work as it is.
 * `answer` is what the far side said, for people to read: uncut, as far as the sink reads. It can hold what was sent, and a secret that
 * is cut in two is not found any more: it is redacted first, then cut.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly answer: string }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly answer: string;
      readonly afterMs?: number;
      readonly holdSink?: boolean;
      readonly pause?: true;
    }
  | { readonly kind: 'rejected'; readonly reason: string; readonly answer: string };

/** An answer longer than this is cut: enough to see an error, small enough to keep one for each attempt. */
export const ANSWER_CHARS_MAX = 500;

/** Cuts on a whole character, and says so. */
export function excerpt(text: string, max = ANSWER_CHARS_MAX): string {
  if (text.length <= max) return text;
  return text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '') + '…';
}
