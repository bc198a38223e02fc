import type { StatementSyncInstance } from '@photostructure/sqlite';
import { isDamage } from './faults.js';

/** Looks in vain, one after the other, before the rest of a table is given up; after each thousand the steps are twice as wide. It passes what lies behind any page but the table's first. */
const IN_VAIN_MAX = 6_000;
const WIDER_AFTER = 1_000;

/** Keys between which rows could not be read: `after` was read, perhaps not whole; `before` is the next that was, Infinity where none was. */
export interface Gap {
  readonly after: number;
  readonly before: number;
}

/**
 * Rows of a table in the order of a key, around those that cannot be read: `rowsFrom` takes the key to begin with. Where reading fails it is asked again with
 * a key that is `stride` further. What was stepped over is noted in `gaps`.
 */
export function* readable<Row extends { readonly key: number }>(rowsFrom: StatementSyncInstance, gaps: Gap[], stride = 1): Generator<Row> {
  let start = 0;
  let after = -1;
  for (let failures = 0; failures < IN_VAIN_MAX;) {
    try {
      for (const row of rowsFrom.iterate(start) as Iterable<Row>) {
        if (failures > 0) gaps.push({ after, before: row.key });
        failures = 0;
        after = row.key;
        yield row;
      }
      if (failures > 0) gaps.push({ after, before: Infinity });
      return;
    } catch (error) {
      if (!isDamage(error)) throw error;
      // Always onwards, also where a damaged page leads back to rows that were read.
      start = after >= start ? after + 1 : start + stride * 2 ** Math.floor(failures / WIDER_AFTER);
      failures += 1;
    }
  }
  gaps.push({ after, before: Infinity });
}
