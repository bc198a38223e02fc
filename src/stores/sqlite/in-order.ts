import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { prepareTuples } from './database.js';
import { STATE } from './protocol.js';

/** Keys that one page looks at: a far side that is down leaves one blocked delivery for each. */
const KEYS_MAX = 20_000;
/** Deliveries of one key in a page: others have their turn too. */
const RUN_MAX = 100;
/** How soon one looks again where a page has seen nothing but blocked keys. */
const AGAIN_MS = 1_000;

/** Where a delivery that waits is, and when it is due. */
export type Place = readonly [event_seq: number, n: number, due_ms: number];

interface Head {
  readonly order_key: string;
  readonly due_ms: number;
}

/** What is due in order: for each key its earliest deliveries, up to the first that is not due. */
export interface InOrder {
  readonly places: readonly Place[];
  /** When the first of the others is due; null: there are none. */
  readonly nextDueMs: number | null;
}

/** Looks for what is due in order, key by key; the next page goes on where this one ended. `isDue` is of a due time. */
export function createInOrder(database: DatabaseSyncInstance) {
  const waiting = `from deliveries indexed by deliveries_in_order where state = ${STATE.waiting} and sink = ? and order_key is not null`;
  const heads = (condition: string) =>
    database.prepare(`select order_key, due_ms ${waiting} and order_key > ? ${condition} order by order_key, event_seq, n limit 1`);
  const next = heads('');
  // SQLite compares bytes, JavaScript units: which key comes before which is asked of SQLite alone.
  const nextUpTo = heads('and order_key <= ?');
  const run = prepareTuples(database, `select event_seq, n, due_ms ${waiting} and order_key = ? order by event_seq, n limit ${RUN_MAX}`);
  /** By sink: the key that was looked at last. */
  const last = new Map<string, string>();

  return (sink: string, limit: number, busy: ReadonlySet<string>, isDue: (dueMs: number) => boolean, nowMs: number): InOrder => {
    const places: Place[] = [];
    let nextDueMs: number | null = null;
    const start = last.get(sink) ?? '';
    let key = start;
    let wrapped = false;
    for (let looked = 0; looked < KEYS_MAX; looked++) {
      const head = (wrapped ? nextUpTo.get(sink, key, start) : next.get(sink, key)) as Head | undefined;
      if (head === undefined) {
        if (wrapped || start === '') return { places, nextDueMs };
        [wrapped, key] = [true, ''];
        continue;
      }
      key = head.order_key;
      last.set(sink, key);
      if (busy.has(key)) continue;
      if (!isDue(head.due_ms)) {
        nextDueMs = Math.min(nextDueMs ?? Infinity, head.due_ms);
        continue;
      }
      for (const place of run.all(sink, key) as unknown as Place[]) {
        const [, , dueMs] = place;
        if (!isDue(dueMs)) break;
        if (places.length >= limit) return { places, nextDueMs: nowMs };
        places.push(place);
      }
    }
    return { places, nextDueMs: places.length > 0 ? nowMs : Math.min(nextDueMs ?? Infinity, nowMs + AGAIN_MS) };
  };
}
