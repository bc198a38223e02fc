import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take a minute and more begin first: one of them at the end would leave the other worker with nothing to do. */
const LONG =
  /\/(faults\/quick|e2e\/reload|readme|stores\/sqlite|cli\/watch|faults\/shim\/power-cut|stores\/sqlite-damage|sinks\/kafka-replicas)\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kafka/global-setup.ts', 'test/faults/shim/global-setup.ts'],
    // A hang must end with a name: generous, since no test waits for the clock.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    expect: { poll: { timeout: 20_000 } },
  },
});
