import type { Stand } from './stand.js';

/** What can be made to fail; two faults of one part do not strike together. */
export type Part = 'process' | 'configuration' | 'disk' | 'clock' | 'kafka' | 'http' | 'slack';

/**
 * What a fault needs beside the bridge and its receivers. `kafka`: a broker; with `kafka-proxy`, behind a proxy; with `cluster`,
 * three of them; with `kafka-timeouts`, the Kafka sink has its own timeout, not the short one of the others.
 */
export type Need = 'small-disk' | 'shim' | 'kafka' | 'kafka-proxy' | 'cluster' | 'kafka-timeouts';

/** Something that goes wrong under load, and is over when `strike` resolves: what is broken then is the bridge's to mend. */
export interface Fault {
  /** Names the row in the table of results. */
  readonly name: string;
  readonly part: Part;
  readonly needs?: readonly Need[];
  /** Reasons a dead letter may have because of it. */
  readonly mayDie?: readonly string[];
  /** It destroys what is stored: what was in those bytes can be lost, and must be all that is. */
  readonly destroys?: boolean;
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
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
