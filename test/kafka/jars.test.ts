import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { classPath, KAFKA_VERSION } from './jars.js';
import { describeOwnKafka, START_MS } from './suite.js';

describeOwnKafka('the brokers of the tests', () => {
  it(
    'are of the version that KAFKA_VERSION names, and of no other',
    async () => {
      const jars = readdirSync(join(await classPath(), '..'));
      expect(jars.filter((jar) => /^kafka(_2\.13|-clients)-/.test(jar)).toSorted()).toEqual([
        `kafka-clients-${KAFKA_VERSION}.jar`,
        `kafka_2.13-${KAFKA_VERSION}.jar`,
      ]);
    },
    START_MS,
  );
});
