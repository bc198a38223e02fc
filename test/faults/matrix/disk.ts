import { given, pause, type Fault } from '../fault.js';
import { until } from '../../e2e/serve.js';
import type { Shim } from '../shim/shim.js';

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
  failing('fsync fails with EIO, then works', (shim) => shim.failSyncs('EIO')),
  failing('writes fail with EIO, then work', (shim) => shim.failWrites('EIO')),
  failing('the disk fills up in the middle of a write', (shim) => shim.failWrites('ENOSPC', { short: true })),
  {
    name: 'every fsync takes 200 ms for 3 s',
    part: 'disk',
    needs: ['shim'],
    async strike({ shim }) {
      given(shim).slowSyncs(200);
      await pause(3_000);
      given(shim).heal();
      return 1;
    },
  },
];

/** Until the bridge has said that it cannot serve, and a little longer. */
function failing(name: string, begin: (shim: Shim) => void): Fault {
  return {
    name,
    part: 'disk',
    needs: ['shim'],
    async strike({ bridge, shim, random }) {
      begin(given(shim));
      await red(bridge.operations);
      await pause(random() * 2_000);
      given(shim).heal();
      return 1;
    },
  };
}
