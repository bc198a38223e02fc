// A process of its own that uses the built store, for what only a process can show: node child.mjs MODE PATH.
import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openDatabase } from '../../dist/stores/sqlite/database.js';
import { openSqliteStore } from '../../dist/stores/sqlite/store.js';

const [, , mode, path, ...rest] = process.argv;
const limits = { retentionMs: 7 * 86_400_000, dedupWindowMs: 86_400_000 };
const telemetry = new Proxy({}, { get: () => () => undefined });
const open = () => openSqliteStore({ path, limits, telemetry });
// Not console.log: what is said must have left the process when it is killed.
const say = (line) => writeSync(1, `${line}\n`);
const arrival = (id, body) => ({
  source: 'castai',
  format: 'castai-event',
  key: `id:${id}`,
  id,
  type: 'resource.created',
  receivedMs: Date.now(),
  body,
  headers: {},
  dedupWindowMs: limits.dedupWindowMs,
  owes: ['archive', 'ops'].map((sink) => ({ state: 'waiting', route: `to ${sink}`, sink })),
});

const modes = {
  /** Accepts and settles as fast as it can; says what was acknowledged. */
  async load() {
    const store = await open();
    const writer = async () => {
      for (;;) {
        const id = randomBytes(8).toString('hex');
        const body = randomBytes(200 + (parseInt(id.slice(0, 3), 16) % 2_000));
        const { event } = await store.accept(arrival(id, body));
        say(`accepted ${event.uid} ${id} ${createHash('sha256').update(body).digest('hex')}`);
        const attempt = { startedMs: Date.now(), durationMs: 1, outcome: { kind: 'delivered', answer: '200' } };
        await store.settle({ eventUid: event.uid, index: 0, settlement: { state: 'delivered' }, attempt });
        say(`settled ${event.uid}`);
      }
    };
    await Promise.all(Array.from({ length: 32 }, writer));
  },

  /** Does as each line says: an id and the bytes of its body. Survives its limit of file sizes. */
  async serve() {
    process.on('SIGXFSZ', () => undefined);
    const store = await open().catch((error) => say(`refused ${error.name} ${error.message}`) && null);
    if (store === null) return;
    say('open');
    for await (const line of createInterface({ input: process.stdin })) {
      const [id, bytes] = line.split(' ');
      const receipt = await store.accept(arrival(id, Buffer.alloc(Number(bytes)))).catch((error) => ({ kind: error.name }));
      say(`${id} ${receipt.kind}`);
    }
    await store.close();
  },

  /** Brings the file up to the migrations in a folder. */
  migrate() {
    say('begins');
    openDatabase(path, new URL(rest[0]));
    say('ends');
  },
};

await modes[mode]();
