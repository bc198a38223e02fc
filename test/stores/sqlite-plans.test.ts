import { DatabaseSync } from '@photostructure/sqlite';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { packGroup } from '../../src/stores/sqlite/group.js';
import { createReader } from '../../src/stores/sqlite/reader.js';
import { createWriter } from '../../src/stores/sqlite/writer.js';
import { LIMITS, rejected } from '../contract/store/rig.js';
import { directory, waitingGroup } from './sqlite-rig.js';

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
];

/** What is no table and no index, or ends where a page of a listing does. */
const BOUNDED = /SCAN (n|found)\b|SCAN \(subquery-1\)|CO-ROUTINE \(subquery-1\); SCAN deliveries USING COVERING INDEX deliveries_waiting/g;

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
      ([sql, plan]) => /SCAN|TEMP B-TREE/.test(plan.replaceAll(BOUNDED, '')) && !READ_WHOLE.includes(sql) && !sql.includes('group by sink'),
    );
    expect(whole).toEqual([]);
  });

  it('what is due, and when the next is, is read from an index as large as the backlog', () => {
    const plans = [...plansOf(() => undefined)];
    const dues = plans.filter(([sql]) => sql.includes('due_ms <= ?'));
    expect(dues).toHaveLength(4);
    for (const [, plan] of dues) expect(plan).toBe('SEARCH deliveries USING COVERING INDEX deliveries_waiting (sink=? AND due_ms>? AND due_ms<?)');
    const at = plans.find(([sql]) => sql.includes('left join events on seq = event_seq'))?.[1];
    expect(at).toBe('SEARCH deliveries USING PRIMARY KEY (event_seq=? AND n=?); SEARCH events USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN');
    const counts = plans.find(([sql]) => sql.includes('group by sink'))?.[1];
    expect(counts).toBe('SCAN deliveries USING COVERING INDEX deliveries_waiting');
  });

  it('the sinks that something waits for are found a step each, not by walking the backlog', () => {
    const sinks = [...plansOf(() => undefined)].find(([sql]) => sql.includes('found (sink)'))?.[1];
    expect(sinks).toContain('SEARCH deliveries USING COVERING INDEX deliveries_waiting; ');
    expect(sinks).toContain('SEARCH deliveries USING COVERING INDEX deliveries_waiting (sink>?)');
    expect(sinks).not.toContain('SCAN deliveries');
  });

  it.each([
    [{}, 'PRIMARY KEY'],
    [{ state: 'dead' }, 'INDEX deliveries_dead'],
    [{ state: 'dead', sink: 'a', reason: 'http_400' }, 'INDEX deliveries_dead'],
    [{ state: 'delivered' }, 'PRIMARY KEY'],
    [{ state: 'waiting' }, 'PRIMARY KEY'],
    [{ state: 'waiting', sink: 'a', reason: 'http_503' }, 'PRIMARY KEY'],
    [{ sink: 'a' }, 'PRIMARY KEY'],
    [{ reason: 'http_400' }, 'PRIMARY KEY'],
  ] as const)('a listing of %j is read in its order, and ends where a page has looked at enough', (filter, by) => {
    const plans = plansOf((writer, reader) => {
      // More than a page may look at.
      const written = writer.write(waitingGroup(10_500));
      const settled = by === 'PRIMARY KEY' || !written.whole ? [] : written.uids.map((uid) => rejected(String(uid)));
      writer.write(packGroup([], [settled]));
      reader.deliveries(filter, 10, null);
    });
    const listing = [...plans].find(([sql]) => sql.includes('order by d.event_seq desc'))?.[1] ?? '';
    expect(listing).toBe(`SEARCH d USING ${by} ((event_seq,n)>(?,?) AND (event_seq,n)<(?,?)); ${EVENT}`);
  });

  it('a listing of what waits, where little does, reads that and sorts it', () => {
    const plans = plansOf((_, reader) => void reader.deliveries({ state: 'waiting', sink: 'a' }, 10, null));
    const listing = [...plans].find(([sql]) => sql.includes('order by d.event_seq desc'))?.[1];
    expect(listing).toBe(`SEARCH d USING INDEX deliveries_waiting (sink=?); ${EVENT}; USE TEMP B-TREE FOR ORDER BY`);
  });
});

const EVENT = 'SEARCH e USING INTEGER PRIMARY KEY (rowid=?)';
