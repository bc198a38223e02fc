import { given, pause, type Fault } from '../fault.js';

const HOUR_MS = 3_600_000;

/** The wall clock under the bridge. What the sender signs with goes with it: another clock than the bridge's is refused, by design. */
export const clockFaults: readonly Fault[] = [
  jumping('the clock jumps an hour ahead, and back', HOUR_MS),
  jumping('the clock jumps an hour back, and ahead', -HOUR_MS),
];

function jumping(name: string, ms: number): Fault {
  return {
    name,
    part: 'clock',
    needs: ['shim'],
    async strike({ shim, load, inventory }) {
      // Retries are waiting when the clock jumps, each way.
      for (const offsetMs of [ms, 0]) {
        inventory.otherwise({ status: 503 });
        await pause(1_000);
        given(shim).shiftClock(offsetMs);
        load.shiftClock(offsetMs);
        await load.more(50);
        inventory.otherwise({ status: 200 });
        await load.more(50);
      }
      return 2;
    },
  };
}
