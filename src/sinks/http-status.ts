import type { Report } from '../core/problem.js';
import type { Outcome } from '../core/outcome.js';
import { retryOutcome, type HttpAnswer } from './answer.js';
import type { Config } from './http-config.js';

/**
 * Statuses that say this very request will never be taken. Everything else is tried again (T04): 401, 403, 404 and 5xx
 * have all been seen during outages and wrong deployments of the far side, and heal when somebody mends it.
 */
const REJECTED = new Set([400, 405, 406, 409, 411, 413, 414, 415, 421, 422, 431, 501, 505]);

/** The receiver is gone for good, says the standard: no more is sent there until somebody looks; what waits is kept. */
const GONE = 410;

type Verdict = 'retry' | 'rejected' | null;

/** The one table (T02). */
export function createClassify(lists: Pick<Config, 'retryOn' | 'rejectOn'>): (answer: HttpAnswer, nowMs: number) => Outcome {
  return ({ status, retryAfter, text }, nowMs) => {
    const answer = `${status} ${text}`.trim();
    const reason = `http_${status}`;
    const verdict = configured(lists, status);
    if (verdict === 'rejected') return { kind: 'rejected', reason, answer };
    if (verdict === null) {
      if (status >= 200 && status < 300) return { kind: 'delivered', answer };
      if (status === GONE) return { kind: 'retry', reason, answer, holdSink: true, pause: true };
      if (REJECTED.has(status) || (status >= 300 && status < 400)) return { kind: 'rejected', reason, answer };
    }
    return retryOutcome({ reason, answer }, { status, retryAfter }, nowMs);
  };
}

/** What the YAML says of a status: where it is named itself, that; otherwise what is said of its class. */
function configured({ retryOn, rejectOn }: Pick<Config, 'retryOn' | 'rejectOn'>, status: number): Verdict {
  for (const name of [String(status), classOf(status)]) {
    if (rejectOn.some((one) => String(one) === name)) return 'rejected';
    if (retryOn.some((one) => String(one) === name)) return 'retry';
  }
  return null;
}

function classOf(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}

/** Reports what is to be tried again and a dead letter at once. */
export function reportStatuses({ retryOn, rejectOn }: Pick<Config, 'retryOn' | 'rejectOn'>, report: Report): void {
  for (const [key, statuses] of Object.entries({ retryOn, rejectOn }))
    statuses.forEach((one, index) => {
      if (one === '2xx')
        report({ path: [key, index], what: 'every success is in it: nothing would ever be delivered', remedy: 'name the status that is meant' });
    });
  const retried = new Set(retryOn.map(String));
  rejectOn.forEach((one, index) => {
    if (!retried.has(String(one))) return;
    report({ path: ['rejectOn', index], what: `${one} stands in \`retryOn\` too`, remedy: 'delete one of them', from: [['retryOn']] });
  });
}
