import type { Settlement } from '../../core/delivery.js';
import type { Checkpoint, Owed, Settled } from '../../core/store.js';
import type { FaultKind } from './faults.js';

/** How states are written in the tables. */
export const STATE = { waiting: 0, delivered: 1, dead: 2 } as const satisfies Record<Settlement['state'], number>;

/** Back from a number in a row. */
export function stateOf(state: number): Settlement['state'] {
  return state === STATE.waiting ? 'waiting' : state === STATE.delivered ? 'delivered' : 'dead';
}

/** An arrival without its body: that lies in the group's buffer, after those before it. `headers`: as the column holds them. */
export interface PackedArrival {
  readonly source: string;
  readonly format: string;
  readonly key: string | null;
  readonly id: string;
  readonly type: string;
  readonly receivedMs: number;
  readonly bodyBytes: number;
  readonly headers: string | null;
  readonly dedupWindowMs: number;
  readonly owes: readonly Owed[];
  readonly deadTo: readonly string[];
}

/** What is written as one, or not at all. */
export interface Together {
  readonly arrivals: readonly PackedArrival[];
  readonly checkpoint: Checkpoint | null;
}

/** What one transaction writes. */
export interface WriteGroup {
  readonly arrivals: readonly Together[];
  /** The bodies of all arrivals, one after the other: one buffer, transferred, because a Buffer sent by itself drags its whole slab along. */
  readonly bodies: ArrayBuffer;
  readonly settled: readonly Settled[];
}

/** What became of one part of a group. `uids`: of its events, in order; null: a duplicate. A settlement has none. */
export type Written = { readonly ok: true; readonly uids: readonly (string | null)[] } | { readonly ok: false; readonly error: string };

/** All of a group was written: the uids of its events, in order; or it was written part by part, with one answer for what came together, and one for each settlement. */
export type GroupWritten =
  | { readonly whole: true; readonly uids: readonly (string | null)[] }
  | { readonly whole: false; readonly arrivals: readonly Written[]; readonly settled: readonly Written[] };

export type GroupResult = GroupWritten & { readonly durationMs: number };

/** A request to a thread, and its answer. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type Response =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string; readonly fault: FaultKind };

/** What a thread is started with. */
export interface ThreadOptions {
  readonly role: 'writer' | 'reader' | 'salvager';
  readonly path: string;
  readonly retentionMs: number;
  readonly dedupWindowMs: number;
}
