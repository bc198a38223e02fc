import type { Fault } from '../fault.js';
import { clockFaults } from './clock.js';
import { configurationFaults } from './configuration.js';
import { damageFaults } from './damage.js';
import { diskFaults } from './disk.js';
import { httpFaults } from './http.js';
import { kafkaFaults } from './kafka.js';
import { processFaults } from './process.js';
import { slackFaults } from './slack.js';

/** Every fault there is. */
export const matrix: readonly Fault[] = [
  ...processFaults,
  ...configurationFaults,
  ...diskFaults,
  ...damageFaults,
  ...clockFaults,
  ...kafkaFaults,
  ...httpFaults,
  ...slackFaults,
];
