import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCE = new URL('./shim.c', import.meta.url).pathname;

/** Why there can be no shim on this machine; null where there can. */
export async function whyNoShim(): Promise<string | null> {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (process.platform !== 'linux' || header.glibcVersionRuntime === undefined) return 'they need Linux with glibc';
  return run('cc', ['--version']).then(
    () => null,
    () => 'there is no cc; install gcc',
  );
}

/** The compiled shim.c, once for each version of its source. */
export async function shimLibrary(): Promise<string> {
  const directory = join(tmpdir(), `castbridge-shim-${process.getuid?.() ?? 0}`);
  const library = join(directory, `${createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const made = `${library}.${randomUUID()}`;
  await run('cc', ['-shared', '-fPIC', '-O2', '-o', made, SOURCE]);
  // Several test files compile the same at once; none loads the half of another.
  renameSync(made, library);
  return library;
}
