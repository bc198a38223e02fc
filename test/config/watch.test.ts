import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createReading, watchFiles } from '../../src/config/watch.js';

/** A watcher that looks when it is told to. `loads` is what was read each time, the first before it began. */
function watching() {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-watch-'));
  const file = join(folder, 'bridge.yaml');
  writeFileSync(file, 'one');
  const loads: string[] = [];
  let reading = createReading();
  const load = (): Promise<void> => {
    reading = createReading();
    try {
      loads.push(reading.read(file).toString());
    } catch {
      loads.push('(cannot be read)');
    }
    return Promise.resolve();
  };
  void load();
  let go: (on: boolean) => void = () => undefined;
  let asked: () => void = () => undefined;
  const nextLook = (): Promise<boolean> => {
    asked();
    return new Promise((resolve) => (go = resolve));
  };
  const ended = watchFiles(() => reading.contents, load, nextLook);
  onTestFinished(async () => {
    go(false);
    await ended;
    rmSync(folder, { recursive: true });
  });
  /** One look, to its end. */
  const look = async (): Promise<void> => {
    const done = new Promise<void>((resolve) => (asked = resolve));
    go(true);
    await done;
  };
  return { folder, file, loads, look };
}

describe('a watched file', () => {
  it('is loaded once it was the same at two looks, and once', async () => {
    const { file, loads, look } = watching();
    writeFileSync(file, 'tw');
    await look();
    writeFileSync(file, 'two');
    await look();
    expect(loads).toEqual(['one']);
    await look();
    expect(loads).toEqual(['one', 'two']);
    await look();
    await look();
    expect(loads).toEqual(['one', 'two']);
  });

  it('is not loaded for a touch, for the same content in another file, or for a change that was taken back', async () => {
    const { file, loads, look } = watching();
    utimesSync(file, 1, 1);
    await look();
    await look();
    writeFileSync(`${file}.next`, 'one');
    renameSync(`${file}.next`, file);
    await look();
    await look();
    writeFileSync(file, 'two');
    await look();
    writeFileSync(file, 'one');
    await look();
    await look();
    expect(loads).toEqual(['one']);
  });

  it('that is gone for a moment is not loaded; one that stays away is, once', async () => {
    const { file, loads, look } = watching();
    rmSync(file);
    await look();
    writeFileSync(file, 'one');
    await look();
    await look();
    expect(loads).toEqual(['one']);
    rmSync(file);
    await look();
    await look();
    await look();
    expect(loads).toEqual(['one', '(cannot be read)']);
    writeFileSync(file, 'one');
    await look();
    await look();
    expect(loads).toEqual(['one', '(cannot be read)', 'one']);
  });

  it('that became a folder is loaded, and once', async () => {
    const { file, loads, look } = watching();
    rmSync(file);
    mkdirSync(file);
    for (let looks = 0; looks < 3; looks++) await look();
    expect(loads).toEqual(['one', '(cannot be read)']);
  });

  it('that is a pipe is not opened: it can be read once, and to open it may take for ever', async () => {
    const { file, loads, look } = watching();
    rmSync(file);
    execFileSync('mkfifo', [file]);
    await look();
    await look();
    expect(loads).toEqual(['one']);
  });

  it('is followed through links of folders, as the kubelet exchanges them, of the same size and time', async () => {
    const { folder, file, loads, look } = watching();
    const mount = (version: string, text: string): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'bridge.yaml'), text);
      utimesSync(join(folder, version, 'bridge.yaml'), 1, 1);
      symlinkSync(version, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    rmSync(file);
    mount('..1', 'one');
    symlinkSync('..data/bridge.yaml', file);
    await look();
    mount('..2', 'two');
    rmSync(join(folder, '..1'), { recursive: true });
    await look();
    await look();
    expect(loads).toEqual(['one', 'two']);
  });
});
