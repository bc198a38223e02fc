import { expect, it } from 'vitest';
import { matrix } from './matrix/index.js';
import { runFaults } from './run.js';

/** A few of the matrix, once each; `npm run faults` has them all, again and again, and mixed. */
const QUICK = ['kill -9 under load'];

const seed = Math.floor(Math.random() * 1e9);

it.each(matrix.filter(({ name }) => QUICK.includes(name)).map((fault) => [fault.name, fault] as const))(
  'nothing acknowledged is lost: %s',
  async (name, fault) => {
    const { faults, acknowledged } = await runFaults([fault], seed, null);
    expect(faults, `again: npm run faults -- --only '${name}' --seed ${seed}`).toEqual([]);
    expect(acknowledged).toBeGreaterThan(100);
  },
  120_000,
);
