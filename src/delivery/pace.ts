/** When the next message may go to a far side, whoever sends it: the slot that several lanes of one far side share. */
export interface PaceSlot {
  /** The moment, by the lanes' clock, up to which what was sent has used up the pace. */
  usedUntilMs: number;
}

/** So many messages a second, and `burst` of them at once after a quiet time. The generic cell rate algorithm: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
  readonly slot: PaceSlot;
}

export function newSlot(): PaceSlot {
  return { usedUntilMs: -Infinity };
}

/** How long the next message has to wait; 0: it may go. */
export function paceWaitMs({ perSecond, burst, slot }: Pace, nowMs: number): number {
  return Math.max(0, slot.usedUntilMs - nowMs - ((burst - 1) * 1_000) / perSecond);
}

/** How many messages may go at this moment. */
export function paceRoom({ perSecond, burst, slot }: Pace, nowMs: number): number {
  return Math.floor(burst - (Math.max(0, slot.usedUntilMs - nowMs) * perSecond) / 1_000);
}

/** So many messages go at this moment. */
export function usePace({ perSecond, slot }: Pace, count: number, nowMs: number): void {
  slot.usedUntilMs = Math.max(nowMs, slot.usedUntilMs) + (count * 1_000) / perSecond;
}
