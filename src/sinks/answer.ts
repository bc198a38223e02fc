import type { Outcome } from '../core/outcome.js';
import { retryAfterMs } from '../core/retry-after.js';

/** What a far side answered over HTTP, as far as it was read. */
export interface HttpAnswer {
  readonly status: number;
  /** `retry-after`, as it came; null where there was none. */
  readonly retryAfter: string | null;
  readonly text: string;
}

/** An answer is read no further than this: enough for an error, and no way to fill the memory. */
export const ANSWER_BYTES_MAX = 64 * 1024;

/** Reasons for what happened before any answer, by the code of the error. */
const FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  EADDRINFO_FORBIDDEN: 'address_forbidden',
};

/** What the code of an error begins with where a proxy opened no tunnel; behind it the status of its answer, or a word. */
export const PROXY_FAULT = 'PROXY_';

/** Faults of the far side as a whole: no other message would fare better. */
const WHOLE = ['refused', 'dns', 'tls', 'proxy', 'address_forbidden'];

/** A fault of the connection: the far side's as a whole, and tried again (T04). The error's own text may hold the URL, so only its code is shown. */
export function faultOutcome(error: unknown, signal: AbortSignal): Outcome {
  const code = codeOf(error);
  if (signal.aborted || code === 'UND_ERR_ABORTED') return { kind: 'retry', reason: 'timeout', answer: 'no answer in time', holdSink: false };
  const reason = reasonOf(code);
  const whole = WHOLE.includes(reason) || code === 'UND_ERR_CONNECT_TIMEOUT';
  return { kind: 'retry', reason, answer: code === '' ? 'the connection failed' : `the connection failed: ${code}`, holdSink: whole };
}

function reasonOf(code: string): string {
  if (Object.hasOwn(FAULTS, code)) return FAULTS[code] ?? 'fault';
  if (code.startsWith(PROXY_FAULT)) return 'proxy';
  if (/CERT|TLS|SSL|SELF_SIGNED|VERIFY/.test(code)) return 'tls';
  return code.startsWith('HPE_') ? 'broken_answer' : 'fault';
}

/** The code nearest to the root of an error. */
function codeOf(error: unknown): string {
  let code = '';
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    if ('code' in at && typeof at.code === 'string') code = at.code;
    // undici's parser has no code for some of what it refuses.
    else if ('name' in at && at.name === 'HTTPParserError') code = 'HPE_INVALID';
    at = 'cause' in at ? at.cause : null;
  }
  return code;
}

/** An answer that says to try again. 429 and a wish to wait are about the sender as a whole, not about this event (T33). */
export function retryOutcome(
  said: { readonly reason: string; readonly answer: string },
  { status, retryAfter }: Pick<HttpAnswer, 'status' | 'retryAfter'>,
  nowMs: number,
): Outcome {
  const afterMs = retryAfterMs(retryAfter, nowMs);
  return { kind: 'retry', ...said, holdSink: status === 429 || afterMs !== undefined, ...(afterMs === undefined ? {} : { afterMs }) };
}
