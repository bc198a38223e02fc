import { afterAll, describe, expect, it } from 'vitest';
import type { Fault } from './fault.js';
import { createBrokers } from './kafka.js';
import { matrix } from './matrix/index.js';
import { ableHere } from './needs.js';
import { runFaults } from './run.js';

/** Once each, and one mixture; `npm run faults` has all the faults there are, again and again. */
const QUICK = [
  'kill -9 under load',
  'kill -9 while it starts',
  'kill -9 in the place of any write or fsync',
  'kill -9 in a checkpoint',
  'kill -9 in a migration',
  'kill -9 in a reload',
  'a power cut under load',
  'SIGTERM under load',
  '20 reloads under load',
  'a sink removed with its backlog, then put back, and a replay',
  'the disk full, then freed',
  'flipped bytes in the database',
  'the clock jumps an hour back, and ahead',
  'Kafka: stopped for 1 s',
  'HTTP: any answer at random for 6 s, then a replay',
  'Slack: more than one message a second is 429 for 5 s',
];
const MIXTURE = ['kill -9 under load', 'fsync fails with EIO, then works', 'Kafka: answers lost, and the connection', 'HTTP: hangs for 5 s'];

const KILLS = 4;
const RUN_MS_MAX = 400_000;
const seed = Number(process.env['CASTBRIDGE_SEED'] ?? Math.floor(Math.random() * 1e9));
const { able, leftOut, kafka } = await ableHere();
if (leftOut.length > 0) console.error(`\nFAULTS LEFT OUT: ${leftOut.join('; ')}\n`);
const runs = [...QUICK.map((name) => [name]), MIXTURE].map((names) => ({ name: names.join(' + '), faults: names.map(named) }));

describe(`nothing acknowledged is lost (CASTBRIDGE_SEED=${seed})`, () => {
  const brokers = kafka ? createBrokers() : null;
  afterAll(() => brokers?.close());

  it('none of these is left out where all are asked for', () => {
    if (process.env['CASTBRIDGE_REQUIRE_FAULTS'] === '1') expect(leftOut).toEqual([]);
  });

  for (const { name, faults } of runs)
    it.skipIf(faults.some((fault) => !able.includes(fault)))(name, { timeout: RUN_MS_MAX }, async () => {
      const result = await runFaults(faults, seed, brokers, KILLS);
      expect(result.faults, `again: npm run faults -- --only '${name}' --seed ${seed} --kills ${KILLS}`).toEqual([]);
      expect(result.acknowledged).toBeGreaterThan(100);
    });
});

function named(name: string): Fault {
  const fault = matrix.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`no fault is named "${name}"`);
  return fault;
}
