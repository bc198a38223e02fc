import { parseArgs } from 'node:util';
import { matrix } from './matrix/index.js';
import { runFaults } from './run.js';

const { values } = parseArgs({ options: { only: { type: 'string' }, seed: { type: 'string', default: '1' } } });
for (const fault of matrix.filter(({ name }) => values.only === undefined || name.includes(values.only))) {
  const { faults, ...result } = await runFaults([fault], Number(values.seed), null);
  console.log(fault.name, JSON.stringify(result), faults.slice(0, 5));
}
