import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { DEAD } from '../core/delivery.js';
import { viewOf, type EventView, type StoredEvent } from '../core/event.js';
import type { Log } from '../core/sink.js';
import { eventsIn, identify, keptHeaders, type CameIn, type ReadingSource, type SignedRequest, type Verify } from '../core/source.js';
import { keyOfId, StoreUnavailable, type Arrival, type Owed, type Receipt, type Store } from '../core/store.js';
import type { Telemetry } from '../core/telemetry.js';
import { ANSWERS, json, type Answer } from './answer.js';
import { readBody, type BodyFault, type BodyLimits } from './body.js';

/** Events that one request may hold: the largest page of a list that Cast AI has. They are one transaction. */
const EVENTS_MAX = 1_000;

/** A source, as far as a request is concerned. */
export interface IngressSource extends ReadingSource {
  /** Matched exactly. */
  readonly path: string;
  readonly verify: Verify;
  readonly gzip: boolean;
}

/** What receiving needs. */
export interface Receiving {
  readonly limits: BodyLimits;
  readonly store: Pick<Store, 'accept' | 'acceptTogether'>;
  /** The deliveries an event owes: at least one. Pure. */
  readonly route: (event: EventView) => readonly Owed[];
  /** Hands a fresh event to the lanes. Called once for each, in order, when its sender has been answered. */
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
  const judged = judgeAll(source, { headers: request.headers, body }, receivedMs, bridge.route);
  const receipts = await accept(
    judged.map(({ arrival }) => arrival),
    source,
    bridge,
  );
  if (receipts === null) return reply(ANSWERS.storeUnavailable);
  const replied = reply(answerTo(judged, receipts));
  judged.forEach((one, at) => {
    const receipt = receipts[at];
    if (receipt?.kind === 'stored') handOver(receipt.event, one.arrival.owes, bridge);
    if (receipt !== undefined) tell(one, receipt, bridge);
  });
  await replied;
}

/** One answer, however many events: what is wrong with the first of them that is wrong. The others are safe all the same. */
function answerTo(judged: readonly Judged[], receipts: readonly Receipt[]): Answer {
  const at = judged.findIndex(({ refusal }) => refusal !== null);
  const refusal = judged[at]?.refusal ?? null;
  if (refusal === null) return receipts.length > 0 && receipts.every(({ kind }) => kind === 'duplicate') ? ANSWERS.duplicate : ANSWERS.received;
  if (judged.length === 1) return unprocessable(refusal.detail);
  const refused = judged.filter((one) => one.refusal !== null).length;
  return unprocessable(`event ${at + 1} of ${judged.length}: ${refusal.detail}; ${judged.length - refused} of them were received`);
}

/** Why a request is refused, and with what. */
interface Refusal {
  readonly reason: string;
  readonly detail: string;
  readonly answer: Answer;
}

/** An authentic event: what is kept of it, and whether its sender is told that something is wrong with it. */
interface Judged {
  readonly arrival: Arrival;
  readonly refusal: Pick<Refusal, 'reason' | 'detail'> | null;
}

/** Each event of a request, in the order of its body. */
function judgeAll(source: IngressSource, { headers, body }: SignedRequest, receivedMs: number, route: Receiving['route']): Judged[] {
  const kept = keptHeaders(source.format, headers);
  const bodies = eventsIn(source.format, body);
  if (bodies.length > EVENTS_MAX)
    return [refused(source, { body, headers: kept, receivedMs }, { reason: DEAD.undecodable, detail: TOO_MANY, type: '' })];
  return bodies.map((one) => judge(source, { body: one, headers: kept, receivedMs }, route));
}

const TOO_MANY = `the body holds more than ${EVENTS_MAX} events: send them in several requests`;

/**
 * Every key has a prefix of its own, so that no id can be made to collide with a hash. A refused body is kept once however often it is sent again,
 * and it does not stand in the way of the same body after the format or `missingId` was mended.
 */
function judge(source: IngressSource, came: CameIn, route: Receiving['route']): Judged {
  const identified = identify(source, came, sha256);
  if (!identified.ok) return refused(source, came, identified);
  const { event, id, hasId } = identified;
  const owes = route(viewOf(event, id, source.name, came.receivedMs));
  return { arrival: arrivalOf(source, came, { key: hasId ? keyOfId(id) : id, id, type: event.type, owes }), refusal: null };
}

function refused(
  source: IngressSource,
  came: CameIn,
  { reason, detail, type }: Pick<Refusal, 'reason' | 'detail'> & { readonly type: string },
): Judged {
  const owes: Owed[] = [{ state: 'dead', route: null, sink: null, reason, detail }];
  return { arrival: arrivalOf(source, came, { key: `${reason}:${sha256(came.body)}`, id: '', type, owes }), refusal: { reason, detail } };
}

/** Field by field: spreading an object costs microseconds, and this runs for every event. */
function arrivalOf(
  { name, format, dedup }: IngressSource,
  { body, headers, receivedMs }: CameIn,
  { key, id, type, owes }: Pick<Arrival, 'key' | 'id' | 'type' | 'owes'>,
): Arrival {
  return { source: name, format: format.type, key, id, type, receivedMs, body, headers, dedupWindowMs: dedup.windowMs, owes };
}

/** Null: the store cannot write, and says so itself. Anything else is a bug, and not caught here. */
async function accept(arrivals: readonly Arrival[], { name }: IngressSource, { store, telemetry }: Receiving): Promise<readonly Receipt[] | null> {
  try {
    const [first] = arrivals;
    return first !== undefined && arrivals.length === 1 ? [await store.accept(first)] : await store.acceptTogether(arrivals);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    telemetry.refused({ source: name, reason: 'store_unavailable', status: ANSWERS.storeUnavailable.status, detail: error.message });
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
    telemetry.refused({ source, reason: refusal.reason, status: UNPROCESSABLE, detail: refusal.detail });
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

const UNPROCESSABLE = 422;

function unprocessable(detail: string): Answer {
  return json(UNPROCESSABLE, { error: detail });
}

function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
