import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { suitesThatCall } from '../suites.js';
import { startBroker, type Broker } from './broker.js';
import { whyNoBroker } from './jars.js';

declare module 'vitest' {
  interface ProvidedContext {
    kafka: {
      /** Brokers of somebody else, from KAFKA_BROKERS. */
      readonly given: string[] | null;
      /** Why no broker can be started here. */
      readonly missing: string | null;
      /** Answers with the address of the one broker of this run, which the first request starts. */
      readonly starterUrl: string;
    };
  }
}

/** One broker for all suites of a run; none where no suite asks for it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['KAFKA_BROKERS']?.split(',') ?? null;
  const missing = await whyNoBroker();
  if (missing !== null) {
    const line = `KAFKA SUITES LEFT OUT (${missing}; install Java 17 and Maven): ${suitesThatCall(given === null ? /describe(Any|Own)Kafka\(/ : /describeOwnKafka\(/).join(' ')}`;
    if (process.env['CASTBRIDGE_REQUIRE_KAFKA'] === '1') throw new Error(line);
    console.error(`\n${line}\n`);
  }

  let started: Promise<Broker> | undefined;
  const starter = createServer((_, response) => {
    started ??= startBroker();
    started.then(
      (broker) => response.end(broker.address),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve) => starter.listen(0, '127.0.0.1', resolve));
  project.provide('kafka', { given, missing, starterUrl: `http://127.0.0.1:${(starter.address() as AddressInfo).port}` });

  return async () => {
    starter.close();
    await started?.then(
      (broker) => broker.close(),
      () => undefined,
    );
  };
}
