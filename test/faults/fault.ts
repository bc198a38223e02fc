import type { Stand } from './stand.js';

/** What can be made to fail; two faults of one part do not strike together. */
export type Part = 'process' | 'configuration' | 'disk' | 'clock' | 'kafka' | 'http' | 'slack';

/** What a fault needs beside the bridge and its receivers. */
export type Need = 'small-disk' | 'shim' | 'kafka';

/** Something that goes wrong under load, and is over when `strike` resolves: what is broken then is the bridge's to mend. */
export interface Fault {
  /** Names the row in the table of results. */
  readonly name: string;
  readonly part: Part;
  readonly needs?: readonly Need[];
  /** Reasons a dead letter may have because of it. */
  readonly mayDie?: readonly string[];
  /** False: it strikes alone. */
  readonly mixes?: boolean;
  /** How often it struck. */
  strike(stand: Stand): Promise<number>;
}

/** What a fault has asked for is there. */
export function given<Thing>(thing: Thing | null): Thing {
  if (thing === null) throw new Error('the fault does not say in `needs` what it needs');
  return thing;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
