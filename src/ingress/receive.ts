import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { viewOf, type EventView, type StoredEvent } from '../core/event.js';
import type { Log } from '../core/sink.js';
import { identify, type FormatKind, type Verify } from '../core/source.js';
import { keyOfId, StoreUnavailable, type Arrival, type Owed, type Receipt, type Store } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';
import { ANSWERS, json, type Answer } from './answer.js';
import { readBody, type BodyFault, type BodyLimits } from './body.js';

/** A source, as far as a request is concerned. */
export interface IngressSource {
  readonly name: string;
  /** Matched exactly. */
  readonly path: string;
  readonly verify: Verify;
  readonly format: FormatKind;
  readonly gzip: boolean;
  /** What becomes of an event without an id: refused and kept as a dead letter, or known by the hash of its body. */
  readonly missingId: 'reject' | 'hash';
}

/** What receiving needs. */
export interface Receiving {
  readonly limits: BodyLimits;
  readonly store: Pick<Store, 'accept'>;
  /** The deliveries an event owes: at least one. Pure. */
  readonly route: (event: EventView) => readonly Owed[];
  /** Hands a fresh event to the lanes. Called once for each, when its sender has been answered. */
  readonly onStored: (event: StoredEvent, owes: readonly Owed[]) => void;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** Answers a request. Resolves when nothing more is read of it. */
export type Reply = (answer: Answer) => Promise<void>;

/** One request from its first body byte to its answer: 200 only when the event is safe. Rejects for faults of our own alone. */
export async function receive(request: IncomingMessage, source: IngressSource, bridge: Receiving, reply: Reply): Promise<void> {
  const reading = await readBody(request, source.gzip, bridge.limits);
  if (!reading.ok) {
    const refusal = refusalOf(reading.fault, source);
    bridge.telemetry.refused({ source: source.name, reason: refusal.reason, status: refusal.answer.status, detail: refusal.detail });
    return reply(refusal.answer);
  }
  const { body } = reading;
  const receivedMs = bridge.nowMs();
  // The bytes are verified before anything looks into them.
  const verdict = source.verify({ headers: request.headers, body }, receivedMs);
  if (!verdict.authentic) {
    bridge.telemetry.refused({ source: source.name, reason: 'signature', status: ANSWERS.signature.status, detail: verdict.detail });
    return reply(ANSWERS.signature);
  }
  if (verdict.secretIndex !== null) bridge.telemetry.secretUsed({ source: source.name, secretIndex: verdict.secretIndex });
  const judged = judge(source, body, receivedMs, bridge.route);
  const receipt = await accept(judged.arrival, bridge);
  if (receipt === null) return reply(ANSWERS.storeUnavailable);
  const replied = reply(judged.refusal?.answer ?? (receipt.kind === 'duplicate' ? ANSWERS.duplicate : ANSWERS.received));
  if (receipt.kind === 'stored') handOver(receipt.event, judged.arrival.owes, bridge);
  tell(judged, receipt, bridge);
  await replied;
}

/** Why a request is refused, and with what. */
interface Refusal {
  readonly reason: string;
  readonly detail: string;
  readonly answer: Answer;
}

/** An authentic body: what is kept of it, and whether its sender is told that something is wrong with it. */
interface Judged {
  readonly arrival: Arrival;
  readonly refusal: Refusal | null;
}

/**
 * Every key has a prefix of its own, so that no id can be made to collide with a hash. A refused body is kept once however often it is sent again,
 * and it does not stand in the way of the same body after the format or `missingId` was mended.
 */
function judge(source: IngressSource, body: Buffer, receivedMs: number, route: Receiving['route']): Judged {
  const arrival = (key: string, id: string, type: string, owes: readonly Owed[]): Arrival => {
    return { source: source.name, format: source.format.type, key, id, type, receivedMs, body, owes };
  };
  const identified = identify(source, body, sha256);
  if (!identified.ok) {
    const { reason, type } = identified;
    const refusal = unprocessable(reason, identified.detail);
    return { arrival: arrival(`${reason}:${sha256(body)}`, '', type, [deadLetter(refusal)]), refusal };
  }
  const { event, id } = identified;
  const key = event.id === null ? id : keyOfId(id);
  const owes = route(viewOf(event, id, source.name, receivedMs));
  return { arrival: arrival(key, id, event.type, owes), refusal: null };
}

/** Null: the store cannot write, and says so itself. Anything else is a bug, and not caught here. */
async function accept(arrival: Arrival, { store, telemetry }: Receiving): Promise<Receipt | null> {
  try {
    return await store.accept(arrival);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    telemetry.refused({ source: arrival.source, reason: 'store_unavailable', status: ANSWERS.storeUnavailable.status, detail: error.message });
    return null;
  }
}

/** The event is stored and its sender has been told: a fault from here on is not the sender's business. */
function handOver(event: StoredEvent, owes: readonly Owed[], { onStored, log }: Receiving): void {
  try {
    onStored(event, owes);
  } catch (error) {
    log.error({ source: event.source, uid: event.uid, error }, 'a stored event could not be handed over; its deliveries wait for the next start');
  }
}

function tell({ arrival, refusal }: Judged, receipt: Receipt, { telemetry, nowMs }: Receiving): void {
  const { source, type, id, owes } = arrival;
  if (refusal !== null) {
    telemetry.refused({ source, reason: refusal.reason, status: refusal.answer.status, detail: refusal.detail });
    return;
  }
  if (receipt.kind === 'duplicate') {
    telemetry.duplicate({ source, type, id });
    return;
  }
  const { uid } = receipt.event;
  const deliveries = owes.filter((owed) => owed.state === 'waiting').length;
  telemetry.accepted({ source, type, id, uid, deliveries, durationMs: nowMs() - arrival.receivedMs });
  for (const owed of owes) {
    if (owed.state === 'dead') telemetry.misrouted({ source, type, id, uid, reason: owed.reason, detail: owed.detail });
  }
}

function refusalOf(fault: BodyFault, source: IngressSource): Refusal {
  const reasoned = (reason: string, detail: string, answer: Answer): Refusal => ({ reason, detail, answer });
  switch (fault) {
    case 'encoding': {
      const accepted = source.gzip ? 'gzip' : 'identity';
      const detail = `the body has a content encoding other than ${accepted}`;
      return reasoned('encoding', detail, json(415, { error: `The content encoding must be ${accepted}` }, { 'Accept-Encoding': accepted }));
    }
    case 'gzip':
      return reasoned('encoding', 'the body is not valid gzip', json(400, { error: 'The body is not valid gzip' }));
    case 'too_large':
      return reasoned(
        'body_too_large',
        'the body is larger than server.bodyLimit',
        json(413, { error: 'The body is too large' }, { Connection: 'close' }),
      );
    case 'timeout':
      return reasoned('timeout', 'the body did not arrive in time', ANSWERS.timeout);
    case 'length':
    case 'aborted':
      return reasoned('aborted', 'the sender hung up before the body was whole', ANSWERS.badRequest);
  }
}

function unprocessable(reason: string, detail: string): Refusal {
  return { reason, detail, answer: json(422, { error: detail }) };
}

function deadLetter({ reason, detail }: Refusal): Owed {
  return { state: 'dead', route: null, sink: null, reason, detail };
}

function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
