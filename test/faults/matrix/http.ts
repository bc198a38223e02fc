import type { Answer, HttpReceiver } from '../../receivers/http-receiver.js';
import { pause, type Fault } from '../fault.js';
import type { Stand } from '../stand.js';
import { auditKeepsUp, comesTrue, replayed, refusing } from '../suffering.js';

/** Statuses that are tried again, whatever they are said to mean (T04). */
const RETRIED = { '4xx': [401, 402, 403, 404, 407, 408, 423, 425, 428, 429], '5xx': [500, 502, 503, 504, 506, 507, 508, 511, 520, 599] };
const REJECTED = [400, 405, 406, 409, 411, 413, 414, 415, 421, 422, 431, 501, 505];
const REDIRECTS = [300, 301, 302, 303, 304, 305, 307, 308];
const DEAD = [...REJECTED, ...REDIRECTS].map((status) => `http_${status}`);

/** None of these may hold the sink for longer than its `retry.max` (T52). */
const HOSTILE: readonly (string | string[])[] = [
  '1e30',
  '999999999999',
  '-5',
  '0',
  '',
  'NaN',
  'soon',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  '9'.repeat(4_000),
  Array<string>(60).fill('3600'),
];

const BROKEN: readonly Answer[] = ['close-before-answer', 'close-in-answer', 'broken-chunk', 'endless-body', 'slow-body', 'hang'];

/** The inventory does what `work` tells it to, and is well again. */
async function suffers(stand: Stand, work: (inventory: HttpReceiver) => Promise<unknown>): Promise<void> {
  try {
    await work(stand.inventory);
    await auditKeepsUp(stand);
  } finally {
    stand.inventory.otherwise({ status: 200 });
  }
}

/** So many more requests are answered so. */
async function answers(inventory: HttpReceiver, answer: Answer, count: number): Promise<void> {
  inventory.otherwise(answer);
  const goal = inventory.received.length + count;
  await comesTrue(`${count} requests more, after ${JSON.stringify(answer).slice(0, 100)}`, () => inventory.received.length >= goal);
}

/** One answer for a while. */
const during = (name: string, answer: Answer, ms: number): Fault => ({
  name,
  part: 'http',
  async strike(stand) {
    await suffers(stand, async (inventory) => {
      inventory.otherwise(answer);
      await pause(ms);
    });
    return 1;
  },
});

/** One answer after another, each to some requests; what dies of them is replayed. */
const oneByOne = (name: string, all: readonly Answer[], requests: number, mayDie: readonly string[] = []): Fault => ({
  name,
  part: 'http',
  mayDie,
  async strike(stand) {
    await suffers(stand, async (inventory) => {
      for (const answer of all) await answers(inventory, answer, requests);
    });
    if (mayDie.length > 0) await replayed(stand, 'inventory');
    return all.length;
  },
});

const statuses = (list: readonly number[]): Answer[] => list.map((status) => ({ status }));

/** What one HTTP sink does to its deliveries, and not to others (T02, T04, T26, T52). */
export const httpFaults: readonly Fault[] = [
  during('HTTP: 503 for 3 s', { status: 503 }, 3_000),
  oneByOne('HTTP: each 4xx that is tried again', statuses(RETRIED['4xx']), 1),
  oneByOne('HTTP: each 5xx that is tried again', statuses(RETRIED['5xx']), 1),
  oneByOne('HTTP: each status that rejects, then a replay', statuses(REJECTED), 20, DEAD),
  oneByOne('HTTP: each redirect, then a replay', statuses(REDIRECTS), 20, DEAD),
  during('HTTP: hangs for 5 s', 'hang', 5_000),
  during('HTTP: closes before the answer', 'close-before-answer', 3_000),
  during('HTTP: closes in the middle of the answer', 'close-in-answer', 3_000),
  during('HTTP: a broken chunk', 'broken-chunk', 3_000),
  during('HTTP: an endless answer', 'endless-body', 3_000),
  during('HTTP: an answer that never ends', 'slow-body', 5_000),
  oneByOne(
    'HTTP: a hostile Retry-After',
    HOSTILE.map((value) => ({ status: 503, headers: { 'retry-after': value } })),
    1,
  ),
  {
    name: 'HTTP: a redirect to itself, then a replay',
    part: 'http',
    mayDie: DEAD,
    async strike(stand) {
      await suffers(stand, (inventory) => answers(inventory, { status: 307, headers: { location: `${inventory.url}/again` } }, 50));
      if (stand.inventory.received.some(({ path }) => path === '/again')) throw new Error('a redirect was followed');
      await replayed(stand, 'inventory');
      return 1;
    },
  },
  refusing('HTTP: the connection refused for 3 s', 'http', (stand) => stand.inventory),
  {
    name: 'HTTP: any answer at random for 6 s, then a replay',
    part: 'http',
    mayDie: DEAD,
    async strike(stand) {
      const hostile = HOSTILE.map((value): Answer => ({ status: 429, headers: { 'retry-after': value } }));
      const bad = [...statuses([...RETRIED['4xx'], ...RETRIED['5xx'], ...REJECTED, ...REDIRECTS]), ...hostile, ...BROKEN];
      const any = (): Answer => (stand.random() < 0.5 ? { status: 200 } : (bad[Math.floor(stand.random() * bad.length)] ?? 'hang'));
      await suffers(stand, async (inventory) => {
        inventory.otherwise(any);
        await pause(6_000);
      });
      await replayed(stand, 'inventory');
      return 1;
    },
  },
];
