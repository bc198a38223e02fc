import { given, pause, type Fault } from '../fault.js';
import { until } from '../../e2e/serve.js';

/** Waits until the bridge says that it cannot serve, and why. */
async function red(operations: string): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${operations}/readyz`).catch(() => null);
    return answer?.status === 503 && /the store/.test(await answer.text());
  });
}

/** What the disk does to it. */
export const diskFaults: readonly Fault[] = [
  {
    name: 'the disk full, then freed',
    part: 'disk',
    needs: ['small-disk'],
    async strike({ disk, bridge, random }) {
      given(disk).fill();
      await red(bridge.operations);
      await pause(random() * 2_000);
      given(disk).free();
      return 1;
    },
  },
];
