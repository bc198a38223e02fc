import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreUnavailable } from '../../src/core/store.js';
import { accepted, arrival, T0 } from '../contract/store/rig.js';
import { crashed, listening } from './damage-rig.js';
import { fill, smallDisk } from './small-disk.js';
import { directory, FAULTY_WORKER_URL, MIGRATIONS, NO_TELEMETRY, openStore, randomFrom } from './sqlite-rig.js';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const KILLS = 16;

/** A process that runs `mode`, and the lines it says. Killed when the test ends. */
function start(mode: string, path: string, ...rest: string[]): { child: ChildProcessWithoutNullStreams; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [CHILD, mode, path, ...rest]);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function kill(child: ChildProcessWithoutNullStreams): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('one process to a file', () => {
  it('refuses a second process, and says what to do', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path);
    const refused = `refused UnusableDatabase ${path} is in use by another castbridge: stop it, or give this one a file of its own (storage.path)`;
    const second = start('serve', path);
    const ended = once(second.child, 'exit');
    expect((await second.lines.next()).value).toBe(refused);
    expect(await ended).toEqual([0, null]);
    await store.close();
    expect((await start('serve', path).lines.next()).value).toBe('open');
  });

  it('keeps no process alive that has closed its store', async () => {
    const { child, lines } = start('serve', join(directory(), 'bridge.db'));
    expect((await lines.next()).value).toBe('open');
    const ended = once(child, 'exit');
    child.stdin.end('evt_1 10\n');
    expect(await ended).toEqual([0, null]);
  });

  it('is free again when the process that had it was killed', async () => {
    const path = join(directory(), 'bridge.db');
    const { child, lines } = start('serve', path);
    expect((await lines.next()).value).toBe('open');
    await expect(openStore(path)).rejects.toThrow('in use');
    await kill(child);
    await (await openStore(path)).close();
  });

  it('stays locked where the process itself tries a second time', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path);
    await expect(openStore(path)).rejects.toThrow('in use');
    expect((await start('serve', path).lines.next()).value).toMatch('in use');
    await store.close();
  });

  // The last one to close a file deletes its WAL. An `sqlite3` that an operator looks into the file with must not believe to be the last.
  it.runIf(existsSync('/proc/locks'))('stays marked as in use for every SQLite, also after a thread was started anew', async () => {
    const path = join(directory(), 'bridge.db');
    const store = await openStore(path, undefined, { workerUrl: FAULTY_WORKER_URL });
    expect(locksOn(path)).not.toEqual([]);
    writeFileSync(`${path}.fault`, 'throws');
    await expect(store.probe()).rejects.toThrow('a bug');
    await vi.waitFor(() => store.probe(), { timeout: 10_000 });
    expect(locksOn(path)).not.toEqual([]);
    await store.close();
  });
});

function locksOn(path: string): string[] {
  const file = `:${statSync(path).ino} `;
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(file));
}

describe('kill -9', () => {
  it(`T10: loses nothing acknowledged, in ${KILLS} kills under load (SEED=${SEED})`, { timeout: 60_000 }, async () => {
    const path = join(directory(), 'bridge.db');
    const random = randomFrom(SEED);
    let known = 0;
    for (let round = 0; round < KILLS; round++) {
      const { child, lines } = start('load', path);
      const said: string[] = [];
      for (let left = 20 + Math.floor(random() * 400); left > 0; left--) said.push(String((await lines.next()).value));
      await kill(child);
      // What it had said when it died counts too.
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) said.push(line.value);
      const words = said.map((line) => line.split(' '));
      const acknowledged = words.filter(([what]) => what === 'accepted');
      const settled = new Set(words.filter(([what]) => what === 'settled').map(([, uid]) => uid));
      known += acknowledged.length;

      const store = await openStore(path);
      const check = async ([, uid = '', id = '', hash]: readonly string[]): Promise<void> => {
        const [story] = await store.stories(uid);
        expect(
          createHash('sha256')
            .update(story?.event.body ?? '')
            .digest('hex'),
        ).toBe(hash);
        expect(story?.deliveries.map((row) => row.sink)).toEqual(['archive', 'ops']);
        expect(story?.deliveries[1]?.state).toBe('waiting');
        if (settled.has(uid)) expect(story?.deliveries[0]?.state).toBe('delivered');
        expect((await store.accept(arrival(id, { receivedMs: Date.now() }))).kind).toBe('duplicate');
      };
      await Promise.all(acknowledged.map(check));
      expect((await store.stats()).waiting.find((row) => row.sink === 'ops')?.count).toBeGreaterThanOrEqual(known);
      await store.close();
    }
    expect(known).toBeGreaterThan(KILLS * 10);
  });

  it('leaves no migration half applied', async () => {
    const made = directory();
    const path = join(made, 'bridge.db');
    const migrations = join(made, 'migrations');
    await (await openStore(path)).close();
    cpSync(MIGRATIONS, migrations, { recursive: true });
    const endless =
      'create table extra (n); insert into extra with recursive n (n) as (select 1 union all select n + 1 from n limit 1000000000) select n from n;';
    writeFileSync(join(migrations, '9999-endless.sql'), endless);
    const { child, lines } = start('migrate', path, pathToFileURL(`${migrations}/`).href);
    expect((await lines.next()).value).toBe('begins');
    await vi.waitFor(() => expect(statSync(`${path}-wal`).size).toBeGreaterThan(1_000_000), { timeout: 20_000, interval: 5 });
    await kill(child);
    const database = new DatabaseSync(path);
    expect(database.prepare("select name from sqlite_master where name = 'extra'").all()).toEqual([]);
    database.close();
    await (await openStore(path)).close();
  });
});

describe('a full disk', () => {
  /** The store over a file that may not grow: a limit of the process, so it needs no rights. */
  it('T01, T09, T11: rejects, keeps nothing, marks nothing, and works again by itself', { timeout: 60_000 }, async ({ skip }) => {
    if (spawnSync('prlimit', ['--version']).status !== 0) skip('there is no prlimit here');
    const path = join(directory(), 'bridge.db');
    const { child, lines } = start('serve', path);
    const said = async () => String((await lines.next()).value);
    const accept = async (id: string, bytes: number) => {
      child.stdin.write(`${id} ${bytes}\n`);
      return said();
    };
    const limit = (soft: string) => expect(spawnSync('prlimit', ['--pid', String(child.pid), `--fsize=${soft}:unlimited`]).status).toBe(0);
    expect(await said()).toBe('open');
    expect(await accept('first', 1_000)).toBe('first stored');
    limit('65536');
    for (let round = 0; round < 3; round++) expect(await accept('large', 200_000)).toBe('large StoreUnavailable');
    limit('unlimited');
    expect(await accept('large', 200_000)).toBe('large stored');
    expect(await accept('large', 200_000)).toBe('large duplicate');
    expect(await accept('first', 1_000)).toBe('first duplicate');
    await kill(child);
    const store = await openStore(path);
    expect((await store.deliveries({}, 100, null)).rows.map((row) => row.eventId)).toEqual(['large', 'large', 'first', 'first']);
    await store.close();
  });

  it('T11: on a file system without room, it is the same', { timeout: 60_000 }, async ({ skip }) => {
    const disk = smallDisk() ?? skip('this process may not mount');
    const path = join(disk, 'bridge.db');
    const facts: string[] = [];
    const telemetry = {
      ...NO_TELEMETRY,
      storeFailing: () => void facts.push('failing'),
      storeRecovered: () => void facts.push('recovered'),
    };
    const store = await openStore(path, undefined, { telemetry });
    const kept = await accepted(store, arrival('before'));
    const large = arrival('large', { body: Buffer.alloc(512 * 1024), source: 'a new source' });
    fill(join(disk, 'ballast'));
    for (let round = 0; round < 3; round++) await expect(store.accept(large)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(facts).toEqual(['failing']);
    expect(await store.stories(kept)).toHaveLength(1);
    expect(await store.stories('large')).toEqual([]);

    rmSync(join(disk, 'ballast'));
    expect((await store.accept(large)).kind).toBe('stored');
    expect((await store.accept(large)).kind).toBe('duplicate');
    expect(facts).toEqual(['failing', 'recovered']);
    await store.close();
    const reopened = await openStore(path);
    expect((await reopened.stories('large')).map((story) => story.event.source)).toEqual(['a new source']);
    await reopened.close();
  });
});

describe('a full disk at the start', () => {
  it('T11: a new store is open, unavailable, and serves by itself once there is room', { timeout: 60_000 }, async ({ skip }) => {
    const disk = smallDisk() ?? skip('this process may not mount');
    fill(join(disk, 'ballast'));
    const store = await openStore(join(disk, 'deep', 'bridge.db'));
    await expect(store.accept(arrival('evt_1'))).rejects.toThrow('make room on its disk');
    await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
    rmSync(join(disk, 'ballast'));
    await vi.waitFor(async () => expect((await store.accept(arrival('evt_1'))).kind).toBe('stored'), { timeout: 20_000 });
    expect((await store.due('archive', T0, 10, new Set())).deliveries).toHaveLength(1);
    await store.close();
  });

  it('T11: so is one whose process was killed there, and what it acknowledged is delivered then', { timeout: 60_000 }, async ({ skip }) => {
    const disk = smallDisk() ?? skip('this process may not mount');
    const path = join(disk, 'bridge.db');
    const { child, lines } = start('serve', path);
    expect((await lines.next()).value).toBe('open');
    child.stdin.write('evt_1 100000\n');
    expect((await lines.next()).value).toBe('evt_1 stored');
    fill(join(disk, 'ballast'));
    await kill(child);
    rmSync(`${path}-shm`);
    fill(join(disk, 'more ballast'));
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(100_000);
    const store = await openStore(path);
    await expect(store.accept(arrival('evt_2'))).rejects.toBeInstanceOf(StoreUnavailable);
    rmSync(join(disk, 'ballast'));
    await vi.waitFor(async () => expect((await store.accept(arrival('evt_2'))).kind).toBe('stored'), { timeout: 20_000 });
    const { deliveries } = await store.due('archive', Date.now(), 10, new Set());
    expect(deliveries.map(({ event }) => event.id).sort()).toEqual(['evt_1', 'evt_2']);
    await store.close();
  });

  it.for([
    ['to keep a copy of', 0],
    ['to do more than keep a copy of', 1],
  ] as const)(
    'T11: a damaged WAL that there is no room %s waits, and is kept and told of once',
    { timeout: 60_000 },
    async ([, copies], { skip }) => {
      const disk = smallDisk() ?? skip('this process may not mount');
      const [path, ballast] = [join(disk, 'bridge.db'), join(disk, 'ballast')];
      const made = await crashed(120);
      copyFileSync(made, path);
      const wal = readFileSync(`${made}-wal`);
      const middle = Math.floor(wal.length / 2);
      wal.writeUInt8(wal.readUInt8(middle) ^ 1, middle);
      writeFileSync(`${path}-wal`, wal);
      fill(ballast);
      // The copy, and the file beside a WAL that its readers share.
      truncateSync(ballast, statSync(ballast).size - copies * (wal.length + 40_960));
      const { told, telemetry } = listening();
      const store = await openStore(path, undefined, { telemetry });
      await expect(store.probe()).rejects.toThrow('make room on its disk');
      expect(readFileSync(`${path}-wal`).equals(wal)).toBe(true);
      expect(told.commitsLost).toHaveLength(copies);
      rmSync(ballast);
      await vi.waitFor(() => store.probe(), { timeout: 20_000 });
      expect(told.commitsLost).toHaveLength(1);
      expect(readFileSync(told.commitsLost[0]?.copy ?? '').equals(wal)).toBe(true);
      expect(readdirSync(disk).filter((file) => file.includes('-wal.damaged'))).toHaveLength(1);
      await store.close();
    },
  );

  it(
    'T11: a damaged file that there is no room to salvage stays where it is, and is salvaged once there is',
    { timeout: 60_000 },
    async ({ skip }) => {
      const disk = smallDisk() ?? skip('this process may not mount');
      const path = join(disk, 'bridge.db');
      const first = await openStore(path);
      await accepted(first, arrival('evt_1', { body: Buffer.alloc(500_000, 1) }));
      await first.close();
      const bytes = readFileSync(path).fill(0, 0, 4_096);
      writeFileSync(path, bytes);
      fill(join(disk, 'ballast'));
      const store = await openStore(path);
      await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
      expect(readFileSync(path).equals(bytes)).toBe(true);
      rmSync(join(disk, 'ballast'));
      await vi.waitFor(() => store.probe(), { timeout: 20_000 });
      expect(await store.stories('evt_1')).toHaveLength(1);
      await store.close();
    },
  );
});
