import type { SinkConfiguration } from '../config/configuration.js';
import { durationText } from '../config/schema/units.js';
import { settle, type RetryPolicy, type Settlement } from '../core/delivery.js';
import type { Outcome } from '../core/outcome.js';
import type { Preview } from '../core/sink.js';
import { remedyFor } from './remedies.js';
import { oneLine } from './table.js';

/** Where a test message goes. */
export interface Target {
  readonly sink: string;
  readonly type: string;
  /** None of a console. */
  readonly addresses: readonly string[];
}

/** What came of it: the document of --json. */
export interface Report extends Target {
  readonly deliveryId: string;
  /** As it was sent; null: it could not be rendered, and nothing was. */
  readonly message: Preview | null;
  readonly durationMs: number;
  /** What a bridge would make of the delivery after this first attempt. */
  readonly state: Settlement['state'];
  readonly reason: string | null;
  readonly answer: string;
  readonly remedy: string | null;
  /** Ctrl-C came before the answer. */
  readonly interrupted?: true;
}

/** Keys of sinks that say where they send to. */
const ADDRESS_KEYS = ['url', 'webhookUrl', 'brokers'] as const;

export function targetOf({ name, kind, config }: SinkConfiguration): Target {
  const keys = config as Readonly<Record<string, string | readonly string[] | undefined>>;
  return { sink: name, type: kind.type, addresses: ADDRESS_KEYS.flatMap((key) => keys[key] ?? []).map(addressIn) };
}

/** Of a URL its origin: what lets in whoever has it stands before, and behind. */
function addressIn(text: string): string {
  return /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text).origin : text;
}

/** What follows from an outcome. */
export function conclusionOf(outcome: Outcome, retry: RetryPolicy, nowMs: number): Pick<Report, 'state' | 'reason' | 'answer' | 'remedy'> {
  const { state } = settle(outcome, { attempt: 1, sinceMs: nowMs }, retry, nowMs, 0);
  const { answer } = outcome;
  if (outcome.kind === 'delivered') return { state, reason: null, answer, remedy: null };
  return { state, reason: outcome.reason, answer, remedy: remedyFor(outcome.reason) };
}

export function targetLine({ sink, type, addresses }: Target): string {
  return `to ${sink} (${type})${addresses.length === 0 ? '' : ` at ${addresses.join(', ')}`}`;
}

/** How it ended, for people. */
export function resultLines(
  { message, state, durationMs, reason, answer, remedy, interrupted }: Report,
  outcome: Outcome,
  retry: RetryPolicy,
): string[] {
  if (interrupted === true) return [`interrupted after ${durationMs} ms: nobody knows whether it arrived`];
  const result = message === null ? 'NOT sent' : `${state === 'delivered' ? 'delivered' : 'NOT delivered'}, after ${durationMs} ms`;
  const said = [result, reason, oneLine(answer, Infinity)].filter((part) => part !== null && part !== '').join(': ');
  return [said, ...[followingWords(state, outcome, retry), remedy].flatMap((line) => (line === null ? [] : [`  ${line}`]))];
}

function followingWords(state: Settlement['state'], outcome: Outcome, { attempts, maxAgeMs }: RetryPolicy): string | null {
  switch (state) {
    case 'delivered':
      return null;
    case 'waiting':
      if (outcome.kind === 'retry' && outcome.pause === true) return 'a bridge would pause the sink, and keep what waits for it';
      return `a bridge would try it again: at most ${attempts} times in all, and for ${durationText(maxAgeMs)} (\`retry\`)${wishOf(outcome)}`;
    case 'dead':
      return `a bridge would make a dead letter of it at once${outcome.kind === 'retry' ? ': `retry` allows no second attempt' : ''}`;
  }
}

function wishOf(outcome: Outcome): string {
  return outcome.kind === 'retry' && outcome.afterMs !== undefined ? `; the far side asks it to wait ${durationText(outcome.afterMs)}` : '';
}
