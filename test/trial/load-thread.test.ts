import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Configuration } from '../../src/config/configuration.js';
import { lineOf } from '../../src/config/finding.js';
import { createReading } from '../../src/config/watch.js';
import { kinds } from '../../src/kinds.js';
import { loadInThread } from '../../src/trial/load-thread.js';
import { loadTested } from '../../src/trial/tested.js';
import { runTests } from '../../src/trial/run.js';
import { ENV as EXAMPLES_ENV, FILES } from '../config/examples.js';
import { ENV, TABLE } from './tables.js';

/** The built one: a worker thread cannot run the sources. */
const LIMITS = {
  signal: new AbortController().signal,
  timeMs: 60_000,
  memory: {},
  workerUrl: new URL('../../dist/trial/load-worker.js', import.meta.url),
};

function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A thread that runs this instead. */
const thread = (code: string, limits = {}) => ({ ...LIMITS, workerUrl: new URL(`data:text/javascript,${encodeURIComponent(code)}`), ...limits });

describe('what another thread has read', () => {
  it.each(FILES)('is what this one reads: %s', async (file) => {
    const { read, contents } = createReading();
    const here = loadTested(file, EXAMPLES_ENV, kinds, read);
    const there = await loadInThread({ file, env: EXAMPLES_ENV }, new Map(), LIMITS);
    if (!here.ok || !there.loaded.ok) throw new Error(JSON.stringify([here, there]));
    expect(there.contents).toEqual(contents);
    expect(there.loaded.warnings).toEqual(here.warnings);
    // All that is no function.
    const plain = (config: Configuration) => JSON.parse(JSON.stringify({ ...config, tests: [], described: config.describe('salt') })) as object;
    expect(plain(there.loaded.config)).toEqual(plain(here.config));
    // It is this thread that runs it.
    expect(runTests(there.loaded.config, here.config.tests).ok).toBe(true);
  });

  it('is refused by the same lines, tests that fail among them', async () => {
    for (const more of [
      'nonsense: 1\n',
      'tests:\n  - { name: pages, given: { source: castai, event: { type: known } }, expect: [ops] }\n',
      'testFiles: [gone.yaml]\n',
    ]) {
      const file = written('bridge.yaml', TABLE + more);
      const here = loadTested(file, ENV, kinds);
      const { loaded } = await loadInThread({ file, env: ENV }, new Map(), LIMITS);
      expect(loaded).toEqual(here);
      expect(loaded.ok).toBe(false);
    }
  });
});

describe('a thread that gives no answer', () => {
  const failing = async (code: string, limits = {}) => {
    const file = written('bridge.yaml', TABLE);
    const before = createReading();
    before.read(file);
    const { loaded, contents } = await loadInThread({ file, env: ENV }, before.contents, thread(code, limits));
    // Else nobody would look at the file again.
    expect(contents).toEqual(before.contents);
    return loaded.ok ? [] : loaded.problems.map((problem) => lineOf(problem).replace(file, 'bridge.yaml'));
  };
  const refused = (why: string): unknown => [
    expect.stringMatching(new RegExp(`^bridge\\.yaml:1:1 {2}\\(document\\): it cannot be read: ${why}; see what`)),
  ];

  it('is a file that is refused: it throws, it ends', async () => {
    expect(await failing('throw new Error("a fault")')).toEqual(refused('a fault'));
    expect(await failing('process.exit(0)')).toEqual(refused('its thread ended'));
  });

  it('it cannot be started, as where a process may have no more threads', async () => {
    expect(await failing('', { workerUrl: new URL('https://no.file.example/') })).toEqual(refused('.*'));
  });

  it('it never ends', async () => {
    expect(await failing('for (;;);', { timeMs: 100 })).toEqual(refused('it was not read within 0.1 s'));
  });

  it('it is ended', async () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 100);
    expect(await failing('for (;;);', { signal: ending.signal })).toEqual(refused('its thread ended'));
  });

  it('it takes more memory than there is for it', async () => {
    expect(await failing('const all = []; for (;;) all.push({ all });', { memory: { maxOldGenerationSizeMb: 32 } })).toEqual(refused('.*memory.*'));
  });
});
