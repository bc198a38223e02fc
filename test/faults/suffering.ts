import type { Listener } from '../receivers/listener.js';
import { pause, type Fault, type Part } from './fault.js';
import type { Row } from './ledger.js';
import type { Stand } from './stand.js';

/** Facts about the sinks that a strike waits for come true by then, or the strike has failed: also where the bridge is killed meanwhile, on a busy machine. */
const PATIENCE_MS = 30_000;
/** Deliveries that were given up are sent again and again until all are through: a bridge may be killed meanwhile. */
const REPLAYED_MS = 60_000;
const REFUSED_MS = 3_000;
const AGAIN_MS = 25;

/** Waits for a fact; throws where it does not come about. A bridge that is down at that moment is asked again. */
export async function comesTrue(what: string, fact: () => boolean | Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
  for (const deadlineMs = performance.now() + ms; performance.now() < deadlineMs;) {
    if (await asked(fact)) return;
    await pause(AGAIN_MS);
  }
  throw new Error(`not within ${ms} ms: ${what}`);
}

async function asked(fact: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await fact();
  } catch {
    return false;
  }
}

/** While another sink suffers, and for as long as this takes: what waits for `audit` now is delivered (T26). */
export async function auditKeepsUp(stand: Stand): Promise<void> {
  let waiting: readonly Row[] | null = null;
  await comesTrue('deliveries to audit, whose far side is well, go on', async () => {
    const now = await stand.rows('state=waiting&sink=audit');
    waiting ??= now;
    return noneOf(waiting, now);
  });
}

/** The far side of one sink listens no more, and comes back. */
export function refusing(name: string, part: Part, farSide: (stand: Stand) => Listener): Fault {
  return {
    name,
    part,
    async strike(stand) {
      try {
        await farSide(stand).goAway();
        await pause(REFUSED_MS);
        await auditKeepsUp(stand);
      } finally {
        await farSide(stand).comeBack();
      }
      return 1;
    },
  };
}

/** The far side is well again: all that was given up goes out by the operators' command, and arrives. */
export async function replayed(stand: Stand, sink: string): Promise<void> {
  let atFirst: readonly Row[] | null = null;
  await comesTrue(
    `deliveries to ${sink} that were given up are delivered after a replay`,
    async () => {
      atFirst ??= await undelivered(stand, sink);
      await stand.bridge.run('replay', '--sink', sink, '--state', 'dead');
      return noneOf(atFirst, await undelivered(stand, sink));
    },
    REPLAYED_MS,
  );
}

/** In this order: what is given up between the two is in the first. */
async function undelivered(stand: Stand, sink: string): Promise<Row[]> {
  return [...(await stand.rows(`state=waiting&sink=${sink}`)), ...(await stand.rows(`state=dead&sink=${sink}`))];
}

function noneOf(rows: readonly Row[], others: readonly Row[]): boolean {
  const ids = new Set(others.map(({ id }) => id));
  return !rows.some(({ id }) => ids.has(id));
}
