import { describe, inject } from 'vitest';

const { given, missing, starterUrl } = inject('kafka');

/** A suite that does with any broker: that of the run, or KAFKA_BROKERS. */
export function describeAnyKafka(name: string, suite: () => void): void {
  describe.skipIf(missing !== null && given === null)(name, suite);
}

/** A suite that needs a broker on this machine: to stop it, to stand in front of it, to configure it. */
export function describeOwnKafka(name: string, suite: () => void): void {
  describe.skipIf(missing !== null)(name, suite);
}

/** The first download and start may take this long: for the `beforeAll` that asks for a broker. */
export const START_MS = 300_000;

/** Brokers for suites that do with any. */
export async function anyBrokers(): Promise<string[]> {
  return given ?? [await ownBroker()];
}

/** The address of the one broker that all suites of this run share. Its topics have unique names. */
export async function ownBroker(): Promise<string> {
  const answer = await fetch(starterUrl);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
