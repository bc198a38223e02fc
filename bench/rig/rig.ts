import { makeEvents, type Batch } from './events.js';
import { closedLoop, Exhausted } from './generator.js';
import { endAll } from './process.js';

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

/** Measures with distinct events for so many seconds; anew with twice as many, where they were used up. */
export async function withEvents<Result>(rig: Rig, measure: (batch: Batch) => Promise<Result>): Promise<Result> {
  const batch = makeEvents(rig.memory, rig.secret, rig.seconds * eventsPerSecond);
  try {
    return await measure(batch);
  } catch (error) {
    if (!(error instanceof Exhausted) || eventsPerSecond > PER_SECOND_MAX) throw error;
    eventsPerSecond *= 2;
    rig.say(`${error.message}: once more, with twice as many`);
    await endAll();
  } finally {
    batch.remove();
  }
  return withEvents(rig, measure);
}

/** V8 has compiled what is hot by then, whatever a server's speed is; a slow one gets no more than so many times `warmSeconds`. */
const WARM_EVENTS = 20_000;
const WARM_TIMES_MAX = 5;

/** Loads a server with other events, until it is warm. */
export async function warmUp({ memory, secret, warmSeconds, quick }: Rig, url: string): Promise<void> {
  for (let [answered, times] = [0, 0]; times === 0 || (!quick && answered < WARM_EVENTS && times < WARM_TIMES_MAX); times++) {
    const batch = makeEvents(memory, secret, warmSeconds * eventsPerSecond);
    try {
      answered += (await closedLoop(url, batch, warmSeconds)).answered;
    } catch (error) {
      if (!(error instanceof Exhausted)) throw error;
      answered += batch.count;
    } finally {
      batch.remove();
    }
  }
}
