import type { Arrival, Checkpoint, Owed, Settled } from '../../core/store.js';
import { headersIn } from './event-row.js';

/** What is written as one, or not at all. */
export interface Together<One> {
  readonly arrivals: readonly One[];
  readonly checkpoint: Checkpoint | null;
}

/** What is accepted as one. */
export type Given = Together<Arrival>;

/** An arrival as the writer gets it. `headers`: as the column holds them. */
export interface GivenArrival extends Omit<Arrival, 'body' | 'headers'> {
  readonly body: Uint8Array;
  readonly headers: string | null;
  readonly deadTo: readonly string[];
}

/** What one transaction writes. */
export interface Group {
  readonly arrivals: readonly Together<GivenArrival>[];
  readonly settled: readonly (readonly Settled[])[];
}

/** A group on its way to the writer's thread. Tuples for what most of it is: to clone the names in an object costs more than to clone what they name. */
export interface PackedGroup {
  readonly arrivals: readonly Together<PackedArrival>[];
  readonly settled: readonly (readonly (PackedDelivered | Settled)[])[];
  /** The bodies of all arrivals, one after the other: one buffer, transferred, because a Buffer sent by itself drags its whole slab along. */
  readonly bodies: ArrayBuffer;
}

type PackedArrival = readonly [
  ...[source: string, format: string, key: string | null, id: string, type: string],
  ...[receivedMs: number, bodyBytes: number, headers: string | null, dedupWindowMs: number],
  ...[owes: readonly (PackedWaiting | Owed)[], deadTo: readonly string[] | null],
];

/** Without an order key. */
type PackedWaiting = readonly [route: string, sink: string];

type PackedDelivered = readonly [eventUid: string, index: number, startedMs: number, durationMs: number, answer: string];

export function packGroup(given: readonly Given[], settled: readonly (readonly Settled[])[]): PackedGroup {
  const bodies = new Uint8Array(given.reduce((sum, { arrivals }) => sum + bytesOf(arrivals), 0));
  let offset = 0;
  const arrivals = given.map((together) => ({
    checkpoint: together.checkpoint,
    arrivals: together.arrivals.map((arrival): PackedArrival => {
      const { source, format, key, id, type, receivedMs, body, headers, dedupWindowMs, owes, deadTo } = arrival;
      bodies.set(body, offset);
      offset += body.length;
      return [source, format, key, id, type, receivedMs, body.length, headersIn(headers), dedupWindowMs, owes.map(packOwed), deadTo ?? null];
    }),
  }));
  return { arrivals, settled: settled.map((together) => together.map(packSettled)), bodies: bodies.buffer };
}

export function unpackGroup({ arrivals, settled, bodies }: PackedGroup): Group {
  let offset = 0;
  const unpack = ([source, format, key, id, type, receivedMs, bodyBytes, headers, dedupWindowMs, owes, deadTo]: PackedArrival): GivenArrival => {
    const body = new Uint8Array(bodies, offset, bodyBytes);
    offset += bodyBytes;
    return { source, format, key, id, type, receivedMs, body, headers, dedupWindowMs, owes: owes.map(unpackOwed), deadTo: deadTo ?? [] };
  };
  return {
    arrivals: arrivals.map((together) => ({ checkpoint: together.checkpoint, arrivals: together.arrivals.map(unpack) })),
    settled: settled.map((together) => together.map(unpackSettled)),
  };
}

export function bytesOf(together: readonly Arrival[]): number {
  return together.reduce((sum, { body }) => sum + body.length, 0);
}

function packOwed(owed: Owed): PackedWaiting | Owed {
  return owed.state === 'waiting' && owed.orderKey === undefined ? [owed.route, owed.sink] : owed;
}

function unpackOwed(owed: PackedWaiting | Owed): Owed {
  return isTuple(owed) ? { state: 'waiting', route: owed[0], sink: owed[1] } : owed;
}

function packSettled(settled: Settled): PackedDelivered | Settled {
  const { eventUid, index, settlement, attempt } = settled;
  return settlement.state === 'delivered' ? [eventUid, index, attempt.startedMs, attempt.durationMs, attempt.outcome.answer] : settled;
}

function unpackSettled(settled: PackedDelivered | Settled): Settled {
  if (!isTuple(settled)) return settled;
  const [eventUid, index, startedMs, durationMs, answer] = settled;
  return { eventUid, index, settlement: { state: 'delivered' }, attempt: { startedMs, durationMs, outcome: { kind: 'delivered', answer } } };
}

/** TypeScript's own test lets no readonly array through. */
function isTuple<Tuple extends readonly unknown[]>(value: Tuple | object): value is Tuple {
  return Array.isArray(value);
}
