import { closeSync, openSync, writeSync } from 'node:fs';
import { until } from '../../e2e/serve.js';
import type { Variant } from '../configuration.js';
import { pause, type Fault } from '../fault.js';
import type { Stand } from '../stand.js';
import { comesTrue, replayed } from '../suffering.js';

const RELOADS = 20;
/** A reload begins with the start of a thread: what comes sooner shares the next one. */
const APART_MS = 1_000;
const REPLACEMENTS = 6;
const PIECES = 8;
const VARIANTS: readonly Variant[] = [{ spare: true }, { changed: true }, { reordered: true }, { changed: true, spare: true }, {}];

function any(random: () => number): Variant {
  return VARIANTS[Math.floor(random() * VARIANTS.length)] ?? {};
}

/** What `/readyz` says, where the bridge answers. */
async function notes({ bridge }: Stand): Promise<readonly string[]> {
  const answer = await fetch(`${bridge.operations}/readyz`);
  return ((await answer.json()) as { notes: string[] }).notes;
}

/** Is the spare sink in the configuration that is in force? */
async function hasSpare({ bridge }: Stand): Promise<boolean> {
  const answer = await fetch(`${bridge.operations}/-/config`);
  return 'spare' in ((await answer.json()) as { config: { sinks: object } }).config.sinks;
}

async function takesUp(stand: Stand, spare: boolean): Promise<void> {
  await comesTrue(`the configuration ${spare ? 'with' : 'without'} the spare sink is in force`, async () => (await hasSpare(stand)) === spare);
}

/** A reload takes seconds where the machine is busy, and the bridge may be killed in each one. */
const RELOADED_MS = 60_000;

/** Asked at once: a second later, the watcher would have brought it. */
async function reloadedOverHttp(stand: Stand, variant: Variant): Promise<void> {
  stand.bridge.write(stand.configuration(variant));
  const seen: boolean[] = [];
  let last = 'nothing';
  const answered = async (): Promise<boolean> => {
    const answer = await fetch(`${stand.bridge.operations}/-/reload`, { method: 'POST' });
    last = `${answer.status} ${await answer.text()}`;
    if (answer.ok) seen.push(await hasSpare(stand));
    return answer.ok;
  };
  await comesTrue('the reload is answered 200', answered, RELOADED_MS).catch((error: unknown) => {
    throw new Error(`${String(error)}; last it was answered ${last}`, { cause: error });
  });
  // Another fault of a mixture may have written the file meanwhile.
  if (!stand.mixed && seen[0] !== (variant.spare === true)) throw new Error('a reload was answered 200, and another configuration is in force');
}

/** Pieces of a file. `routes` is in the last: from there on a part may be a configuration that is right by itself. */
function piecesOf(text: string): string[] {
  const end = text.indexOf('\nroutes:');
  const size = Math.ceil(end / PIECES);
  return [...Array.from({ length: PIECES }, (_, n) => text.slice(n * size, Math.min((n + 1) * size, end))), text.slice(end)];
}

/** Reloads of the configuration while events come in and go out (T14, T15). */
export const configurationFaults: readonly Fault[] = [
  {
    name: `${RELOADS} reloads under load`,
    part: 'configuration',
    async strike({ random, reload }) {
      for (let n = 0; n < RELOADS; n++) {
        reload(any(random));
        await pause(random() * APART_MS);
      }
      reload({});
      return RELOADS + 1;
    },
  },
  {
    name: 'kill -9 in a reload',
    part: 'process',
    async strike({ kills, random, reload, crash, bridge }) {
      for (let kill = 0; kill < kills; kill++) {
        await until(() => bridge.isUp());
        reload(any(random));
        await pause(random() * APART_MS);
        await crash();
      }
      reload({});
      return kills;
    },
  },
  {
    name: `${RELOADS} reloads over HTTP under load`,
    part: 'configuration',
    async strike(stand) {
      for (let n = 0; n < RELOADS; n++) {
        await reloadedOverHttp(stand, any(stand.random));
        await pause(stand.random() * 60);
      }
      await reloadedOverHttp(stand, {});
      return RELOADS + 1;
    },
  },
  {
    name: 'the file replaced, and nobody says so',
    part: 'configuration',
    async strike(stand) {
      for (let n = 0; n < REPLACEMENTS; n++) {
        const spare = n % 2 === 0;
        stand.bridge.write(stand.configuration({ spare, changed: stand.random() < 0.5 }));
        await takesUp(stand, spare);
      }
      return REPLACEMENTS;
    },
  },
  {
    name: 'the file written in its place, in pieces',
    part: 'configuration',
    // A bridge that is killed meanwhile would not start again, and that is right.
    mixes: false,
    async strike(stand) {
      const pieces = piecesOf(stand.bridge.text(stand.configuration({ spare: true })));
      const file = openSync(stand.bridge.config, 'w');
      try {
        for (const [n, piece] of pieces.entries()) {
          // It is left half written until the bridge has seen that it is.
          if (n === PIECES / 2)
            await comesTrue('/readyz tells of the half', async () => (await notes(stand)).some((note) => note.includes('was refused')));
          writeSync(file, piece);
          await pause(stand.random() * 300);
        }
      } finally {
        closeSync(file);
      }
      await takesUp(stand, true);
      await comesTrue('/readyz has nothing to tell', async () => (await notes(stand)).length === 0);
      return 1;
    },
  },
  {
    name: 'a file with a mistake, and SIGHUP',
    part: 'configuration',
    // A bridge that is killed meanwhile would not start again, and that is right.
    mixes: false,
    async strike(stand) {
      stand.bridge.write('sources: {}\nsinks: { a: { type: htpp } }\n');
      stand.bridge.signal('SIGHUP');
      await comesTrue('/readyz tells of the mistake', async () => (await notes(stand)).some((note) => note.includes('was refused')));
      await stand.load.more(100);
      stand.reload({});
      await comesTrue('/readyz has nothing to tell', async () => (await notes(stand)).length === 0);
      return 1;
    },
  },
  {
    name: 'a sink removed with its backlog, then put back, and a replay',
    part: 'configuration',
    mixes: false,
    mayDie: ['sink_removed'],
    async strike(stand) {
      stand.inventory.otherwise({ status: 503 });
      await stand.load.more(300);
      await stand.load.between(async () => {
        stand.reload({ withoutInventory: true });
        await comesTrue('nothing waits for the removed sink', async () => (await stand.rows('state=waiting&sink=inventory')).length === 0);
      });
      if ((await stand.rows('state=dead&sink=inventory')).length < 100) throw new Error('the backlog of the removed sink is not dead letters');
      stand.inventory.otherwise({ status: 200 });
      await stand.load.more(100);
      await stand.load.between(async () => {
        stand.reload({});
        await replayed(stand, 'inventory');
      });
      return 1;
    },
  },
];
