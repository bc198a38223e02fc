import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POM = new URL('pom.xml', import.meta.url).pathname;

/** Of the broker: 4.4.0 refuses more than older ones do. */
export const KAFKA_VERSION = process.env['KAFKA_VERSION'] ?? '4.4.0';
// Nothing is left out for a slip of the pen.
if (!/^\d+\.\d+\.\d+$/.test(KAFKA_VERSION)) throw new Error(`KAFKA_VERSION is "${KAFKA_VERSION}": write a version, as 3.9.2`);

/** Why the brokers of the tests cannot be started here; null where they can. */
export async function whyNoBroker(): Promise<string | null> {
  const java = await said('java', '-version');
  if (java === null) return 'there is no java';
  const version = Number(/version "(\d+)/.exec(java)?.[1] ?? 0);
  if (version < 17) return `java is version ${version}, Kafka needs 17`;
  return existsSync(cached()) || (await said('mvn', '-v')) !== null ? null : 'there is no mvn';
}

async function said(command: string, ...args: readonly string[]): Promise<string | null> {
  return run(command, args).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => null,
  );
}

/** The class path of the broker; downloaded where it is not cached. */
export async function classPath(): Promise<string> {
  const kept = cached();
  if (!existsSync(kept)) {
    mkdirSync(join(kept, '..'), { recursive: true });
    // Under another name until it is whole: a download that was killed must not be taken for a complete one.
    const partial = mkdtempSync(`${kept}.partial-`);
    try {
      const properties = [`-Dkafka.version=${KAFKA_VERSION}`, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
      await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', ...properties]);
      renameSync(partial, kept);
    } catch (error) {
      rmSync(partial, { recursive: true });
      // Another run was faster.
      if (!existsSync(kept)) throw error;
    }
  }
  return join(kept, '*');
}

/** Outside the tree, one folder for each version of Kafka and of the pom. */
function cached(): string {
  const { XDG_CACHE_HOME: home = join(homedir(), '.cache') } = process.env;
  const pom = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 8);
  return join(home, 'castbridge', `kafka-${KAFKA_VERSION}-${pom}`);
}
