import type { IncomingMessage } from 'node:http';
import { DEAD } from '../core/delivery.js';
import { eventsIn, keptHeaders, type ReadingSource, type SignedRequest, type Verify } from '../core/source.js';
import { StoreUnavailable, type Arrival, type Receipt, type Store } from '../core/store.js';
import { ANSWERS, json, type Answer } from './answer.js';
import { readBody, type BodyFault, type BodyLimits } from './body.js';
import { follow, judge, refused, UNPROCESSABLE, type Fault, type Judged, type Keeping } from './keep.js';

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
export interface Receiving extends Keeping {
  readonly limits: BodyLimits;
  readonly store: Pick<Store, 'accept' | 'acceptTogether'>;
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
    if (receipt !== undefined) follow(one, receipt, bridge);
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
interface Refusal extends Fault {
  readonly answer: Answer;
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

function unprocessable(detail: string): Answer {
  return json(UNPROCESSABLE, { error: detail });
}
