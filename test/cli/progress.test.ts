import { expect, it } from 'vitest';
import { createProgress } from '../../src/cli/progress.js';

/** A standard error, and a clock that the test moves. */
function rig(isTTY: boolean) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const progress = createProgress({ isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 }, () => clock.ms);
  const showAt = (ms: number, text: string): void => {
    clock.ms = ms;
    progress.show(text);
  };
  return { written, progress, showAt };
}

it('is one line that changes, on a terminal; and is gone before anything else is written', () => {
  const { written, progress, showAt } = rig(true);
  showAt(999, 'too soon');
  showAt(1_000, 'one');
  showAt(1_050, 'too soon again');
  showAt(1_100, 'two');
  progress.end();
  progress.end();
  expect(written).toEqual(['\rone\x1b[K', '\rtwo\x1b[K', '\r\x1b[K']);
});

it('is a line every five seconds elsewhere', () => {
  const { written, progress, showAt } = rig(false);
  for (let ms = 0; ms <= 12_000; ms += 100) showAt(ms, `${ms} done`);
  progress.end();
  expect(written).toEqual(['1000 done\n', '6000 done\n', '11000 done\n']);
});

it('is nothing for work that is over at once', () => {
  const { written, progress, showAt } = rig(true);
  showAt(10, 'one');
  progress.end();
  expect(written).toEqual([]);
});
