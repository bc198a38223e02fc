import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = new URL('./syncs.c', import.meta.url).pathname;

/** Counts the fsyncs and fdatasyncs of a process that is started with its environment. */
export interface Syncs {
  readonly env: Readonly<Record<string, string>>;
  readonly count: () => number;
}

/** Null where there is no compiler. */
export async function countSyncs(folder: string): Promise<Syncs | null> {
  const [library, file] = [join(folder, 'syncs.so'), join(folder, `syncs-${performance.now()}`)];
  writeFileSync(file, Buffer.alloc(8));
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl']);
  } catch {
    return null;
  }
  return { env: { LD_PRELOAD: library, BENCH_SYNCS: file }, count: () => Number(readFileSync(file).readBigUInt64LE()) };
}
