import { DEAD, deliveryId, type DeadLetter } from '../../core/delivery.js';

/** What the column `dead` holds: the rest stands in other columns. */
type Told = Omit<DeadLetter, 'deliveryId'>;

export function deadLetterIn({ sink, route, reason, attempts, detail }: Told): string {
  return JSON.stringify({ sink, route, reason, attempts, detail } satisfies Told);
}

/** What is told of the delivery `n`; that it was damaged, where the disk has changed the text: the dead letter itself says more. */
export function deadLetterOf(uid: string, n: number, dead: unknown): DeadLetter {
  const told = { sink: null, route: null, reason: DEAD.damaged, attempts: 0, detail: 'what was kept of the dead letter is damaged' };
  return { ...(parsed(dead) ?? told), deliveryId: deliveryId(uid, n) };
}

function parsed(dead: unknown): Told | null {
  if (typeof dead !== 'string') return null;
  try {
    const told = JSON.parse(dead) as Partial<Record<keyof Told, unknown>>;
    const { sink, route, reason, attempts, detail } = told;
    const isSound = [sink, route].every(isName) && typeof reason === 'string' && typeof attempts === 'number' && typeof detail === 'string';
    return isSound ? { sink: sink as string | null, route: route as string | null, reason, attempts, detail } : null;
  } catch {
    return null;
  }
}

function isName(value: unknown): boolean {
  return value === null || typeof value === 'string';
}
