import { DatabaseSync } from '@photostructure/sqlite';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createReader } from '../../src/stores/sqlite/reader.js';
import { createWriter } from '../../src/stores/sqlite/writer.js';
import { LIMITS } from '../contract/store/rig.js';
import { directory } from './sqlite-rig.js';

const { prepared } = vi.hoisted(() => ({ prepared: new Set<string>() }));
vi.mock('@photostructure/sqlite', async (original) => {
  const real = await original<{ DatabaseSync: typeof DatabaseSync }>();
  class Noting extends real.DatabaseSync {
    override prepare(sql: string) {
      prepared.add(sql);
      return super.prepare(sql);
    }
  }
  return { ...real, DatabaseSync: Noting };
});

/** What is read whole on purpose, and why it may be. */
const READ_WHOLE = [
  // The keys, once, at start.
  'select first_seq, entries from dedup order by first_seq',
  // As many as there are sources.
  'select name from sources',
  // The backlog, at start.
  'select distinct sink from deliveries where state = 0',
];

/** Runs `use` on a fresh database, and explains every statement it prepared. */
function plansOf(use: (writer: ReturnType<typeof createWriter>, reader: ReturnType<typeof createReader>) => void): Map<string, string> {
  const path = join(directory(), 'bridge.db');
  const writer = createWriter(path, LIMITS);
  const reader = createReader(path);
  use(writer, reader);
  const statements = [...prepared].filter((sql) => !sql.startsWith('pragma') && !sql.includes('sqlite_master'));
  const database = new DatabaseSync(path);
  const plans = statements.map((sql): [string, string] => {
    const steps = database.prepare(`explain query plan ${sql}`).all() as { detail: string }[];
    return [sql.replaceAll(/\s+/g, ' ').trim(), steps.map((step) => step.detail).join('; ')];
  });
  database.close();
  reader.close();
  writer.close();
  prepared.clear();
  return new Map(plans);
}

describe('however many rows there are', () => {
  it('no statement sorts them, or reads a table from end to end', () => {
    const plans = plansOf(() => undefined);
    expect(plans.size).toBeGreaterThan(20);
    const whole = [...plans].filter(
      ([sql, plan]) => /SCAN (?!n\b)|TEMP B-TREE/.test(plan) && !READ_WHOLE.includes(sql) && !sql.includes('group by sink'),
    );
    expect(whole).toEqual([]);
  });

  it('what is due, and when the next is, is read from an index as large as the backlog', () => {
    const plans = [...plansOf(() => undefined)];
    const due = plans.find(([sql]) => sql.includes('d.due_ms <= ?'))?.[1];
    expect(due).toBe('SEARCH d USING INDEX deliveries_waiting (sink=? AND due_ms<?); SEARCH e USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN');
    const next = plans.find(([sql]) => sql.includes('min(due_ms) as due_ms'))?.[1];
    expect(next).toBe('SEARCH deliveries USING COVERING INDEX deliveries_waiting (sink=? AND due_ms>?)');
    const counts = plans.find(([sql]) => sql.includes('group by sink'))?.[1];
    expect(counts).toBe('SCAN deliveries USING COVERING INDEX deliveries_waiting');
  });

  it.each([
    [{}, 'SCAN d'],
    [{ state: 'dead' }, 'SCAN d USING INDEX deliveries_dead'],
    [{ state: 'dead', sink: 'a', reason: 'http_400' }, 'SCAN d USING INDEX deliveries_dead'],
    [{ state: 'delivered' }, 'SCAN d'],
    [{ sink: 'a' }, 'SCAN d'],
  ] as const)('a listing of %j is read in its order, and stops at the end of the page', (filter, first) => {
    for (const before of [null, 'zz-1.0']) {
      const plans = plansOf((_, reader) => void reader.deliveries(filter, 10, before));
      const listing = [...plans].find(([sql]) => sql.includes('order by d.event_seq desc'))?.[1] ?? '';
      expect(listing).not.toContain('TEMP B-TREE');
      if (before === null) expect(listing.split('; ')[0]).toBe(first);
      else expect(listing).toMatch(/^SEARCH d USING (PRIMARY KEY|INDEX deliveries_dead)/);
    }
  });
});
