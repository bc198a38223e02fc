import type { Settlement } from '../../core/delivery.js';
import type { FaultKind } from './faults.js';

/** How states are written in the tables. */
export const STATE = { waiting: 0, delivered: 1, dead: 2 } as const satisfies Record<Settlement['state'], number>;

/** Back from a number in a row. */
export function stateOf(state: number): Settlement['state'] {
  return state === STATE.waiting ? 'waiting' : state === STATE.delivered ? 'delivered' : 'dead';
}

/** What became of one part of a group. `uids`: of its events, in order; null: a duplicate. Settlements have none. */
export type Written = { readonly ok: true; readonly uids: readonly (string | null)[] } | { readonly ok: false; readonly error: string };

/** All of a group was written: the uids of its events, in order; or it was written part by part, with one answer for what came together. */
export type GroupWritten =
  | { readonly whole: true; readonly uids: readonly (string | null)[] }
  | { readonly whole: false; readonly arrivals: readonly Written[]; readonly settled: readonly Written[] };

/** `lastSeq`: of the event that was written last, whenever that was. */
export type GroupResult = GroupWritten & { readonly durationMs: number; readonly lastSeq: number };

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
