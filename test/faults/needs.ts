import { whyNoBroker } from '../kafka/jars.js';
import type { Fault, Need } from './fault.js';
import { matrix } from './matrix/index.js';
import { whyNoShim } from './shim/compile.js';
import { whyNoSmallDisk } from './small-disk.js';

/** What can strike on this machine, and why the rest cannot, a line each. */
export async function ableHere(): Promise<{ readonly able: readonly Fault[]; readonly leftOut: readonly string[]; readonly kafka: boolean }> {
  const why: Partial<Record<Need, string | null>> = { kafka: await whyNoBroker(), shim: await whyNoShim(), 'small-disk': await whyNoSmallDisk() };
  const isMissing = (need: Need): boolean => typeof why[need] === 'string';
  return {
    able: matrix.filter(({ needs = [] }) => !needs.some(isMissing)),
    leftOut: Object.entries(why).flatMap(([need, reason]) => (reason === null ? [] : [`what needs ${need}: ${reason}`])),
    kafka: !isMissing('kafka'),
  };
}
