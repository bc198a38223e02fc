import { expect, it } from 'vitest';
import { oneAtATime } from '../../src/core/one-at-a-time.js';

/** Runs that end when they are told to. */
function runs() {
  const began: string[] = [];
  const ends: ((result: string) => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const ask = oneAtATime(
    (asked: string) =>
      new Promise<string>((resolve, reject) => {
        began.push(asked);
        ends.push(resolve);
        fails.push(reject);
      }),
  );
  return { began, ask, end: (index: number, result: string) => ends[index]?.(result), fail: (index: number) => fails[index]?.(new Error('failed')) };
}

it('begins the next when the one before it is over; who asks meanwhile shares the next', async () => {
  const { began, ask, end } = runs();
  const first = ask('a');
  await Promise.resolve();
  const [second, third] = [ask('b'), ask('c')];
  await Promise.resolve();
  expect(began).toEqual(['a']);
  end(0, 'of a');
  expect(await first).toBe('of a');
  await Promise.resolve();
  expect(began).toEqual(['a', 'b']);
  const fourth = ask('d');
  end(1, 'of b');
  expect(await Promise.all([second, third])).toEqual(['of b', 'of b']);
  await Promise.resolve();
  end(2, 'of d');
  expect(await fourth).toBe('of d');
  expect(began).toEqual(['a', 'b', 'd']);
});

it('goes on after one that failed', async () => {
  const { ask, end, fail } = runs();
  const [first, second] = [ask('a'), Promise.resolve().then(() => ask('b'))];
  await Promise.resolve();
  fail(0);
  await expect(first).rejects.toThrow('failed');
  await Promise.resolve();
  end(1, 'of b');
  expect(await second).toBe('of b');
});
