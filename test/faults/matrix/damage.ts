import { appendFileSync, closeSync, existsSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';
import { until } from '../../e2e/serve.js';
import { given, type Fault } from '../fault.js';

/** Changes of the files while a database is opened and migrated. */
const OPENING = 25;

/** What is found in the files at a start (T11): an older database, and one that something has damaged. */
export const damageFaults: readonly Fault[] = [
  {
    name: 'kill -9 in a migration',
    part: 'process',
    needs: ['shim'],
    mixes: false,
    async strike({ kills, bridge, shim, random, start: restart, database }) {
      let killed = 0;
      for (let round = 0; round < kills; round++) {
        await bridge.stop();
        given(shim).heal();
        asOfVersionOne(database);
        given(shim).killIn(1 + Math.floor(random() * OPENING));
        bridge.spawn();
        const settled = (): Promise<void> => until(async () => bridge.ended() !== null || bridge.isUp());
        await settled();
        given(shim).killIn(0);
        // Once more: it may have been killed since it answered, by what the load had it write.
        await settled();
        if (bridge.ended() === null) continue;
        killed += 1;
        await restart();
      }
      return killed;
    },
  },
  damaged('a torn frame at the end of the WAL', (wal, random) => appendFileSync(wal, noise(random, 1 + Math.floor(random() * 4_000))), { wal: true }),
  damaged('the WAL cut off somewhere', (wal, random) => truncateSync(wal, Math.floor(random() * statSync(wal).size)), { wal: true, destroys: true }),
  damaged('flipped bytes in the WAL', flip, { wal: true, destroys: true }),
  damaged('flipped bytes in the database', flip, { destroys: true }),
];

/** Killed with a backlog and events in the WAL, and found damaged at the next start. */
function damaged(name: string, harm: (file: string, random: () => number) => void, { wal = false, destroys = false }): Fault {
  return {
    name,
    part: 'disk',
    destroys,
    mixes: false,
    mayDie: destroys ? ['damaged'] : [],
    async strike(stand) {
      stand.inventory.otherwise({ status: 503 });
      await stand.load.more(200);
      await stand.bridge.kill();
      const file = wal ? `${stand.database}-wal` : stand.database;
      if (existsSync(file) && statSync(file).size > 0) harm(file, stand.random);
      stand.inventory.otherwise({ status: 200 });
      await stand.start();
      return 1;
    },
  };
}

/** Up to 16 bytes, anywhere. */
function flip(file: string, random: () => number): void {
  const descriptor = openSync(file, 'r+');
  const { size } = statSync(file);
  for (let count = 1 + Math.floor(random() * 16); count > 0; count--) {
    const at = Math.floor(random() * size);
    const byte = Buffer.alloc(1);
    readSync(descriptor, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 + Math.floor(random() * 255));
    writeSync(descriptor, byte, 0, 1, at);
  }
  closeSync(descriptor);
}

function noise(random: () => number, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}

/** The file as the first version of the tables had it. */
function asOfVersionOne(file: string): void {
  const database = new DatabaseSync(file);
  // What each later version has added: without one of them, its migration would be refused.
  database.exec('alter table deliveries drop column duration_ms');
  database.exec('alter table events drop column crc; alter table events drop column headers; drop table checkpoints');
  database.exec('drop index deliveries_in_order; drop index deliveries_waiting; alter table deliveries drop column order_key');
  database.exec('create index deliveries_waiting on deliveries (sink, due_ms, event_seq, n) where state = 0');
  database.exec('alter table deliveries drop column dead_n; alter table deliveries drop column dead');
  database.exec('pragma user_version = 1; pragma wal_checkpoint(truncate)');
  database.close();
}
