import { setMaxListeners } from 'node:events';
import { DEAD, deliveryId } from '../core/delivery.js';
import type { EventView } from '../core/event.js';
import { excerpt, type Outcome } from '../core/outcome.js';
import type { Message, Sink } from '../core/sink.js';
import type { DueDelivery } from '../core/store.js';
import type { Redact } from '../core/redact.js';
import type { View } from './view.js';

/** A sink that has not come back this long after its signal is given up on: a slot must not be lost to a fault of a sink. */
const ABANDON_MS = 5_000;

/** What one attempt needs. */
export interface Attempting {
  readonly sink: Sink;
  readonly render: (event: EventView, body: Buffer) => unknown;
  readonly view: View;
  readonly timeoutMs: number;
  readonly redact: Redact;
}

/** Renders a batch, sends it once, and answers one Outcome per delivery, in order. Never throws. */
export async function attempt(
  batch: readonly DueDelivery[],
  { sink, render, view, timeoutMs, redact }: Attempting,
  stop: AbortSignal,
): Promise<readonly Outcome[]> {
  const rendered = batch.map((delivery) => renderOne(delivery, view, render));
  const messages = rendered.filter((result) => 'content' in result);
  const answers = messages.length === 0 ? [] : await sendGuarded(sink, messages, timeoutMs, stop);
  let next = 0;
  return rendered
    .map((result) => ('content' in result ? (answers[next++] ?? sinkFault('the sink answered for fewer messages than it was given')) : result))
    .map((outcome) => ({ ...outcome, answer: excerpt(redact(outcome.answer)) }));
}

function renderOne(delivery: DueDelivery, view: Attempting['view'], render: Attempting['render']): Message | Outcome {
  const { event, index } = delivery;
  if (event.damaged === true)
    return { kind: 'rejected', reason: DEAD.damaged, answer: 'the stored event is not what was received: nothing was sent' };
  const seen = view(event);
  if (seen === null) return { kind: 'rejected', reason: DEAD.undecodable, answer: `the format "${event.format}" cannot read the body any more` };
  try {
    return {
      deliveryId: deliveryId(event.uid, index),
      event: { id: seen.id, source: event.source, type: seen.type, receivedAt: seen.receivedAt, receivedMs: event.receivedMs, time: seen.time },
      body: event.body,
      content: render(seen, event.body),
    };
  } catch (error) {
    return { kind: 'rejected', reason: DEAD.renderError, answer: describe(error) };
  }
}

/** Holds the sink to its contract: it ends in time, and a throw is a fault of ours that is tried again, not a lost delivery. */
async function sendGuarded(sink: Sink, messages: readonly Message[], timeoutMs: number, stop: AbortSignal): Promise<readonly Outcome[]> {
  const ending = new AbortController();
  // A sink may listen once for each message: that is no leak, and no reason for Node's warning.
  setMaxListeners(0, ending.signal);
  let giveUp: NodeJS.Timeout | undefined;
  const abandoned = new Promise<readonly Outcome[]>((resolve) => {
    ending.signal.addEventListener('abort', () => {
      giveUp = setTimeout(() => resolve(messages.map(() => timedOut(timeoutMs))), ABANDON_MS);
    });
  });
  const end = (): void => ending.abort(new Error(`no answer within ${timeoutMs} ms`));
  const timer = setTimeout(end, timeoutMs);
  stop.addEventListener('abort', end);
  // A signal that has aborted tells nobody any more.
  if (stop.aborted) end();
  try {
    return await Promise.race([sink.send(messages, ending.signal), abandoned]);
  } catch (error) {
    return messages.map(() => sinkFault(describe(error)));
  } finally {
    clearTimeout(timer);
    clearTimeout(giveUp);
    stop.removeEventListener('abort', end);
  }
}

function timedOut(timeoutMs: number): Outcome {
  return { kind: 'retry', reason: 'timeout', answer: `no answer within ${timeoutMs} ms` };
}

function sinkFault(answer: string): Outcome {
  return { kind: 'retry', reason: 'sink_fault', answer };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
