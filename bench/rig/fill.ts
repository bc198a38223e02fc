import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Store, StoreContext } from '../../src/core/store.js';
import { bodyOf, type Batch } from './events.js';

/** The built ones: the store's thread is a file of its own. */
const dist = async <Module>(path: string): Promise<Module> => (await import(new URL(`../../dist/${path}`, import.meta.url).href)) as Module;

const DAY_MS = 86_400_000;
/** Deliveries that are stored at once. */
const AT_ONCE = 2_048;
/** Entries a row of `dedup`, and the bytes of one: a digest, and a time in seconds. */
const [PACK, ENTRY_BYTES, DIGEST_BYTES] = [256, 20, 16];

/** What is known of events that a store was filled with. */
export type Filled = Pick<Batch, 'run' | 'checks'>;

/** Fills a database through the store itself: so many events, each owed to one sink, and all waiting. */
export async function fillWaiting(path: string, count: number, sink: string): Promise<Filled> {
  const { openSqliteStore } = await dist<{ openSqliteStore: (options: { path: string } & StoreContext) => Promise<Store> }>('stores/sqlite/store.js');
  const telemetry = new Proxy({} as StoreContext['telemetry'], { get: () => () => undefined });
  const store = await openSqliteStore({ path, limits: { retentionMs: 7 * DAY_MS, dedupWindowMs: DAY_MS }, telemetry });
  const [run, checks] = [randomBytes(3).toString('hex'), new Uint32Array(count)];
  for (let from = 0; from < count; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => from + at);
    await Promise.all(
      numbers.map((n) => {
        const body = bodyOf(run, n);
        checks[n] = crc32(body);
        const { id, type } = JSON.parse(body.toString()) as { id: string; type: string };
        const owes = [{ state: 'waiting', route: 'filled', sink }] as const;
        const event = { source: 'castai', format: 'castai-event', key: `id:${id}`, id, type, receivedMs: Date.now(), body, headers: {} };
        return store.accept({ ...event, dedupWindowMs: DAY_MS, owes });
      }),
    );
  }
  await store.close();
  return { run, checks };
}

interface Database {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: readonly unknown[]): unknown };
  close(): void;
}

/** A database that has seen so many keys, and holds none of their events any more: random digests, as real ones are. */
export async function fillKeys(path: string, keys: number): Promise<void> {
  const { openDatabase } = await dist<{ openDatabase: (path: string) => Database }>('stores/sqlite/database.js');
  const database = openDatabase(path);
  const insert = database.prepare('insert into dedup (first_seq, entries) values (?, ?)');
  database.exec('pragma synchronous = off; begin');
  for (let first = 1; first <= keys; first += PACK) {
    const count = Math.min(PACK, keys - first + 1);
    const entries = randomBytes(count * ENTRY_BYTES);
    for (let n = 0; n < count; n++) entries.writeUInt32LE(Math.floor(Date.now() / 1_000), n * ENTRY_BYTES + DIGEST_BYTES);
    insert.run(first, entries);
  }
  database.exec('commit; pragma wal_checkpoint(truncate)');
  database.close();
}
