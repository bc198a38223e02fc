import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POM = new URL('pom.xml', import.meta.url).pathname;

/** Why no broker can be started here; null where one can. */
export async function whyNoBroker(): Promise<string | null> {
  const version = await run('java', ['-version']).then(
    ({ stderr }) => Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0),
    () => null,
  );
  if (version === null) return 'there is no java';
  if (version < 17) return `java is version ${version}, Kafka needs 17`;
  if (existsSync(cached())) return null;
  return run('mvn', ['-v']).then(
    () => null,
    () => 'there is no mvn',
  );
}

/** The class path of the broker; downloaded where it is not cached. */
export async function classPath(): Promise<string> {
  const kept = cached();
  if (!existsSync(kept)) {
    mkdirSync(join(kept, '..'), { recursive: true });
    // Under another name until it is whole: a download that was killed must not be taken for a complete one.
    const partial = mkdtempSync(`${kept}.partial-`);
    await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]);
    try {
      renameSync(partial, kept);
    } catch {
      // Another run was faster.
      rmSync(partial, { recursive: true });
    }
  }
  return join(kept, '*');
}

/** Outside the tree, one folder for each version of the pom. */
function cached(): string {
  const { XDG_CACHE_HOME: home = join(homedir(), '.cache') } = process.env;
  const pom = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 8);
  return join(home, 'castbridge', `kafka-${pom}`);
}
