import { DEAD, deliveryId, type DeadLetter } from '../core/delivery.js';
import { bareView, type EventView, type StoredEvent } from '../core/event.js';
import { excerpt, type Outcome } from '../core/outcome.js';
import type { Digest, DigestMember, Message, Sink } from '../core/sink.js';
import type { DueDelivery } from '../core/store.js';
import type { Redact } from '../core/redact.js';
import type { Deadlines } from './deadlines.js';
import type { View } from './view.js';

/** What one attempt needs. */
export interface Attempting {
  readonly sink: Sink;
  readonly render: (event: EventView, body: Buffer, dead: DeadLetter | null) => unknown;
  readonly view: View;
  readonly timeoutMs: number;
  readonly redact: Redact;
}

/** Renders a batch, sends it once, and answers one Outcome per delivery, in order. Never throws. */
export async function attempt(
  batch: readonly DueDelivery[],
  { sink, render, view, timeoutMs, redact }: Attempting,
  deadlines: Deadlines,
): Promise<readonly Outcome[]> {
  const rendered = batch.map((delivery) => renderOne(delivery, view, render));
  const messages = rendered.filter((result) => 'content' in result);
  const answers = messages.length === 0 ? [] : await sendGuarded(sink, messages, timeoutMs, deadlines);
  let next = 0;
  return rendered
    .map((result) => ('content' in result ? (answers[next++] ?? sinkFault('the sink answered for fewer messages than it was given')) : result))
    .map((outcome) => ({ ...outcome, answer: excerpt(redact(outcome.answer)) }));
}

/** What the digest of a batch is made with. */
export interface Digesting extends Attempting {
  readonly name: string;
  readonly digest: (digest: Digest<unknown>) => unknown;
}

/** Renders a batch into one message, sends it once, and answers one Outcome per delivery, in order: that of the message for all that are in it. Never throws. */
export async function attemptDigest(
  batch: readonly DueDelivery[],
  group: string | null,
  deps: Digesting,
  deadlines: Deadlines,
): Promise<readonly Outcome[]> {
  const { sink, render, view, timeoutMs, redact, name, digest } = deps;
  const seen = batch.map((delivery) => seenOf(delivery, view));
  const members = batch.flatMap((delivery, at): Member[] => {
    const event = seen[at];
    if (event === undefined || 'kind' in event) return [];
    const dead = delivery.dead ?? null;
    return [{ event, dead, delivery, content: () => render(event, bodyOf(delivery.event), dead) }];
  });
  const [first] = members;
  const sendOf = async (these: readonly Member[]): Promise<Outcome> => {
    if (first === undefined) return sinkFault('nothing was sent');
    const message = messageOf(first.delivery, first.event, digest({ sink: name, group, members: these }));
    return (await sendGuarded(sink, [message], timeoutMs, deadlines))[0] ?? sinkFault('the sink did not answer');
  };
  const whole = await sendOf(members);
  // Of a message that is refused for good the events that are shown in full may be the reason: what the templates make of one must not take the others with it.
  const answer = whole.kind === 'rejected' ? await sendOf(members.map((member) => ({ ...member, content: unrendered }))) : whole;
  const shared = { ...answer, answer: excerpt(`one of ${members.length} in a digest: ${redact(answer.answer)}`) };
  return seen.map((one) => ('kind' in one ? one : shared));
}

type Member = DigestMember<unknown> & { readonly delivery: DueDelivery };

function unrendered(): never {
  throw new Error('it is shown without its template');
}

function renderOne(delivery: DueDelivery, view: Attempting['view'], render: Attempting['render']): Message | Outcome {
  const seen = seenOf(delivery, view);
  if ('kind' in seen) return seen;
  try {
    return messageOf(delivery, seen, render(seen, bodyOf(delivery.event), delivery.dead ?? null));
  } catch (error) {
    return { kind: 'rejected', reason: DEAD.renderError, answer: describe(error) };
  }
}

/** The event of a delivery as texts see it, or why nothing of it can be sent. Of a dead letter there is always something to tell. */
function seenOf({ event, dead, view: known }: DueDelivery, view: View): EventView | Outcome {
  if (dead !== undefined) return (event.damaged === true ? null : view(event)) ?? bareView(event);
  if (event.damaged === true)
    return { kind: 'rejected', reason: DEAD.damaged, answer: 'the stored event is not what was received: nothing was sent' };
  return known ?? view(event) ?? { kind: 'rejected', reason: DEAD.undecodable, answer: `the format "${event.format}" cannot read the body any more` };
}

function messageOf({ event, index, dead }: DueDelivery, seen: EventView, content: unknown): Message {
  return {
    deliveryId: deliveryId(event.uid, index),
    event: { id: seen.id, source: event.source, type: seen.type, receivedAt: seen.receivedAt, receivedMs: event.receivedMs, time: seen.time },
    body: bodyOf(event),
    ...(dead !== undefined && { dead }),
    content,
  };
}

/** Bytes that the disk has changed are never sent, also not with a dead letter. */
function bodyOf(event: StoredEvent): Buffer {
  return event.damaged === true ? Buffer.alloc(0) : event.body;
}

/** Holds the sink to its contract: it ends in time, and a throw is a fault of ours that is tried again, not a lost delivery. */
async function sendGuarded(sink: Sink, messages: readonly Message[], timeoutMs: number, deadlines: Deadlines): Promise<readonly Outcome[]> {
  try {
    return (await deadlines.run((signal) => sink.send(messages, signal))) ?? messages.map(() => timedOut(timeoutMs));
  } catch (error) {
    return messages.map(() => sinkFault(describe(error)));
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
