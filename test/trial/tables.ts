import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import type { Configuration } from '../../src/config/configuration.js';
import { kinds } from '../../src/kinds.js';
import { runTests, type TestRun } from '../../src/trial/run.js';

/** A secret that stands in the configuration: it is shown nowhere. */
export const SECRET = 'canary-0123456789abcdef0123456789';
export const WEBHOOK = '/services/T00000000/B00000000/canary-webhook';

export const ENV = { SECRET, WEBHOOK: `https://hooks.slack.com${WEBHOOK}` };

/** A table with a sink of each kind: what is asked of it is in the tests. */
export const TABLE = `
sources:
  castai: { path: /w, verify: { type: castai, secrets: ['\${SECRET}'] }, format: castai-event }
  hashed: { path: /h, verify: { type: castai, secrets: ['\${SECRET}'] }, format: castai-event, dedup: { missingId: hash } }
sinks:
  events: { type: kafka, brokers: ['kafka-1:9092'], topic: 'castai.{event.type}', topics: [castai.known, castai.alert], key: event.cluster.id }
  ops:
    type: slack
    webhookUrl: \${WEBHOOK}
    text: |
      *{{ event.severity }}* {{ event.type }}
      on {{ event.cluster.name }}
  cmdb: { type: http, url: 'https://cmdb.internal/{event.data.path}', headers: { authorization: 'Bearer \${SECRET}' } }
  screen: { type: console }
routes:
  - { name: archive, match: { type: [known, alert, other] }, to: [events] }
  - { name: page, match: { severity: critical }, where: 'event.type != "quiet" && event.cluster.name == "prod-1"', to: [ops] }
  - { name: count, match: { type: counted }, where: event.data.count > 3, to: [screen] }
  - { name: placed, match: { type: placed }, to: [cmdb, screen], stop: true }
  - { name: late, match: { type: placed }, to: [ops] }
  - { name: twice, match: { type: twice }, to: [ops] }
  - { name: twice-again, match: { type: twice }, to: [ops] }
`;

/** The configuration with more behind it. Throws with its problems. */
export function configured(more = '', table = TABLE): Configuration {
  const loaded = parseConfig(table + more, 'bridge.yaml', ENV, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  return loaded.config;
}

/** One test, as JSON: `given` without its source, which is `castai`. */
export function testOf(given: object, expect: unknown, name = 'a test'): object {
  return { name, given: { source: 'castai', ...given }, expect };
}

export function runOf(...tests: readonly object[]): TestRun {
  const config = configured(`tests: ${JSON.stringify(tests)}`);
  return runTests(config, config.tests);
}

/** What is said of one test that fails: path, what, and the lines under it. */
export function saidOf(given: object, expect: unknown): string[] {
  const { results } = runOf(testOf(given, expect));
  return results.flatMap(({ failures }) => failures.flatMap(({ path, what, lines }) => [`${path}: ${what}`, ...lines.map((line) => `  ${line}`)]));
}
