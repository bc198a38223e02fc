import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { suitesThatCall } from '../../suites.js';

declare module 'vitest' {
  interface ProvidedContext {
    shim: {
      /** The compiled shim.c. */
      readonly library: string;
      /** Why there is none here. */
      readonly missing: string | null;
    };
  }
}

const SOURCE = new URL('./shim.c', import.meta.url).pathname;

/** Compiles the shim, once for each version of its source; the suites that need it are left out where that cannot be. */
export default async function setUp(project: TestProject): Promise<void> {
  const directory = join(tmpdir(), `castbridge-shim-${process.getuid?.() ?? 0}`);
  const library = join(directory, `${createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16)}.so`);
  const missing = existsSync(library) ? null : await whyNotCompiled(directory, library);
  if (missing !== null) {
    const line = `SHIM SUITES LEFT OUT (${missing}): ${suitesThatCall(/describeShimmed\(/).join(' ')}`;
    if (process.env['CASTBRIDGE_REQUIRE_FAULTS'] === '1') throw new Error(line);
    console.error(`\n${line}\n`);
  }
  project.provide('shim', { library, missing });
}

async function whyNotCompiled(directory: string, library: string): Promise<string | null> {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (process.platform !== 'linux' || header.glibcVersionRuntime === undefined) return 'they need Linux with glibc';
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const made = `${library}.${process.pid}`;
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', made, SOURCE]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no cc; install gcc';
    throw error;
  }
  // Two runs at once compile the same; neither loads the other's half.
  renameSync(made, library);
  return null;
}
