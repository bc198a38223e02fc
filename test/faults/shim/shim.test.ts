import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { directory } from '../../stores/sqlite-rig.js';
import { shimmed, type Shim } from './shim.js';
import { describeShimmed } from './suite.js';

const CHILD = new URL('./child.mjs', import.meta.url).pathname;

/** A small process whose files are under the shim. */
async function underShim(files: Readonly<Record<string, string>> = {}) {
  const data = directory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(data, name), text);
  const shim = await shimmed(data);
  onTestFinished(() => shim.cleanUp());
  /** What a text file holds; null where there is none. */
  const text = (name: string): string | null => (readdirSync(data).includes(name) ? readFileSync(join(data, name), 'utf8') : null);
  return { data, shim, text, ...start(shim, data) };
}

/** One process; a shim may see several, one after another. `run` does commands of child.mjs and hands back its answers. */
function start(shim: Shim, data: string) {
  const child = spawn(process.execPath, [CHILD, data], { env: { ...process.env, ...shim.env }, stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run = async (...commands: readonly string[]): Promise<string[]> => {
    const answers: string[] = [];
    for (const command of commands) {
      child.stdin.write(`${command}\n`);
      const line = await lines.next();
      answers.push(String(line.value));
    }
    return answers;
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { run, kill, ended };
}

describeShimmed('the shim', () => {
  it('lets fsync and fdatasync fail, so many times or until it heals, and no other call', async () => {
    const { run, shim } = await underShim();
    await run('open a', 'write a text');
    shim.failSyncs('EIO', 2);
    expect(await run('fsync a', 'fdatasync a', 'write a more', 'fsync a')).toEqual(['EIO', 'EIO', '4', 'done']);
    shim.failSyncs('ENOSPC');
    expect(await run('fsync a', 'fsync a', 'fsync a')).toEqual(['ENOSPC', 'ENOSPC', 'ENOSPC']);
    shim.heal();
    expect(await run('fsync a')).toEqual(['done']);
    expect(shim.seen).toMatchObject({ syncs: 7, syncsFailed: 5, writes: 2, writesFailed: 0 });
  });

  it('kills the process in the place of a change, of any file or of the main one', async () => {
    const { run, shim, text, ended } = await underShim({ a: 'old', 'a-wal': '' });
    await run('open a', 'open a-wal');
    shim.killIn(2, { mainFileOnly: true });
    await run('write a-wal one', 'write a-wal two', 'write a new');
    void run('write a-wal three', 'write a never');
    await ended;
    expect([text('a'), text('a-wal')]).toEqual(['new', 'onetwothree']);
  });

  it('lets writes and truncates fail, a short one first where that is asked for', async () => {
    const { run, shim, text } = await underShim();
    await run('open a');
    shim.failWrites('ENOSPC', { short: true });
    expect(await run('write a 12345678', 'write a 5678', 'truncate a 100')).toEqual(['4', 'ENOSPC', 'ENOSPC']);
    shim.failWrites('EIO', { count: 1 });
    expect(await run('write a x 4', 'write a 5678 4')).toEqual(['EIO', '4']);
    expect(text('a')).toBe('12345678');
  });

  it('shifts the wall clock, and not the monotonic one', async () => {
    const { run, shim } = await underShim();
    const clocks = async (): Promise<[number, number]> => {
      const [answer = ''] = await run('clocks');
      const [wall = 0, monotonic = 0] = answer.split(' ').map(Number);
      return [wall - Date.now(), monotonic];
    };
    for (const shiftMs of [3_600_000, -3_600_001, 0]) {
      const [, before] = await clocks();
      shim.shiftClock(shiftMs);
      const [ahead, after] = await clocks();
      expect(Math.abs(ahead - shiftMs)).toBeLessThan(60_000);
      expect(after - before).toBeGreaterThan(0);
      expect(after - before).toBeLessThan(60_000);
    }
  });

  it('makes a disk slow', async () => {
    const { run, shim } = await underShim();
    await run('open a');
    shim.slowSyncs(300);
    const started = performance.now();
    expect(await run('fsync a')).toEqual(['done']);
    expect(performance.now() - started).toBeGreaterThan(299);
  });

  it('says yes to fsync and syncs nothing, where that is asked for', async () => {
    const { run, shim, kill, text } = await underShim({ a: 'old' });
    shim.fakeSyncs();
    expect(await run('open a r+', 'write a new 0', 'fsync a')).toEqual(['done', '3', 'done']);
    await kill();
    shim.powerCut(() => 0);
    expect(text('a')).toBe('old');
  });

  it('cuts the power: what was synced is there, and what was not need not be', async () => {
    const { run, shim, kill, text } = await underShim({ kept: 'old', renamed: 'old' });
    await run('open kept r+', 'write kept new 0', 'fsync kept', 'write kept lost 0', 'truncate kept 2');
    await run('open made', 'write made x', 'fsync made', 'syncNames', 'open unnamed', 'write unnamed x', 'fsync unnamed', 'rename renamed elsewhere');
    expect([text('kept'), text('unnamed'), text('elsewhere')]).toEqual(['lo', 'x', 'old']);
    await kill();
    shim.powerCut(() => 0);
    expect(['kept', 'made', 'unnamed', 'renamed', 'elsewhere'].map(text)).toEqual(['new', 'x', null, 'old', null]);
  });

  it('goes on from what a power cut left, and from what a process left that was only killed', async () => {
    const first = await underShim();
    await first.run('open a', 'write a 1', 'fsync a', 'syncNames');
    await first.kill();
    first.shim.powerCut(() => 0);
    const second = start(first.shim, first.data);
    await second.run('open a r+', 'write a 2 0');
    await second.kill();
    const third = start(first.shim, first.data);
    await third.run('open a r+', 'fsync a', 'write a 3 0');
    await third.kill();
    first.shim.powerCut(() => 0);
    expect(first.text('a')).toBe('2');
  });

  it('sees all that SQLite does: its files, rebuilt from what was synced alone, are the files byte for byte', async () => {
    const { run, shim, kill, data } = await underShim();
    expect(await run('database x.db', 'insert 100')).toEqual(['done', 'done']);
    await kill();
    const files = ['x.db', 'x.db-wal'].map((name) => readFileSync(join(data, name)));
    expect(files.every((bytes) => bytes.length > 40_000)).toBe(true);
    shim.powerCut(() => 0);
    expect(readdirSync(data).sort()).toEqual(['x.db', 'x.db-wal']);
    expect(['x.db', 'x.db-wal'].map((name, index) => readFileSync(join(data, name)).equals(files[index] ?? Buffer.alloc(0)))).toEqual([true, true]);
  });

  it('notices what went past it', async () => {
    const { run, shim, kill, data } = await underShim({ a: 'old' });
    await run('open a r+', 'write a new 0', 'open b', 'write b x');
    await kill();
    writeFileSync(join(data, 'a'), 'by another way');
    expect(() => shim.powerCut(() => 0)).toThrow('a is not as the journal says');
  });
});
