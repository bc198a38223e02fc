import { makeEvents, type Batch } from './events.js';
import { Exhausted } from './generator.js';

/** What every part is given. */
export interface Rig {
  readonly rounds: number;
  /** Of load in each measurement. */
  readonly seconds: number;
  readonly warmSeconds: number;
  /** For a look whether all parts work: sizes are a hundredth, and figures mean nothing. */
  readonly quick: boolean;
  /** Of the run; removed at its end. */
  readonly folder: string;
  /** The same, in memory where there is some: for what generators read, so that it is not written beneath the syncs that are measured. */
  readonly memory: string;
  readonly secret: string;
  /** A line of progress. */
  readonly say: (text: string) => void;
}

/** One file in `parts`. */
export interface Part {
  readonly name: string;
  readonly title: string;
  /** One line for --help. */
  readonly about: string;
  /** Minutes it takes with the defaults, roughly. */
  readonly weight: number;
  /** Why it cannot run here, and what to install; null where it can. */
  missing(): Promise<string | null>;
  run(rig: Rig): Promise<Section>;
}

/** What a part found. */
export interface Section {
  /** Its text and tables in the document, without its heading. */
  readonly markdown: string;
  /** What targets are measured by. */
  readonly figures: Readonly<Record<string, number>>;
  /** Every round of every variant. */
  readonly rounds: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;
}

/** All variants in turn, A B A B, so that what else the machine does weighs on all alike. */
export async function interleaved<Name extends string, Round>(
  rig: Rig,
  names: readonly Name[],
  one: (name: Name, round: number) => Promise<Round>,
): Promise<Record<Name, Round[]>> {
  const results = Object.fromEntries(names.map((name) => [name, [] as Round[]])) as Record<Name, Round[]>;
  for (let round = 0; round < rig.rounds; round++)
    for (const name of names) {
      rig.say(`round ${round + 1} of ${rig.rounds}: ${name}`);
      results[name].push(await one(name, round));
    }
  return results;
}

/** A faster machine needs more; then it is doubled. */
let eventsPerSecond = 30_000;
const PER_SECOND_MAX = 1_000_000;

/** Measures with distinct events for so many seconds; once more with twice as many, where they were used up. */
export async function withEvents<Result>(
  { memory, secret, say }: Pick<Rig, 'memory' | 'secret' | 'say'>,
  seconds: { readonly warm: number; readonly load: number },
  measure: (warm: Batch, load: Batch) => Promise<Result>,
): Promise<Result> {
  const batches = [seconds.warm, seconds.load].map((some) => makeEvents(memory, secret, Math.ceil(some * eventsPerSecond)));
  const [warm, load] = batches as [Batch, Batch];
  try {
    return await measure(warm, load);
  } catch (error) {
    if (!(error instanceof Exhausted) || eventsPerSecond > PER_SECOND_MAX) throw error;
    eventsPerSecond *= 2;
    say(`${error.message}: once more, with twice as many`);
  } finally {
    for (const batch of batches) batch.remove();
  }
  return withEvents({ memory, secret, say }, seconds, measure);
}
