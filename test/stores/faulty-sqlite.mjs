// The driver with a commit that fails on demand, and the hook that puts it in the place of the real one.
import { DatabaseSync as Real } from '@photostructure/sqlite';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

export const file = `${workerData?.path}.fault`;

/** A fault is the writing thread's; of the other one it begins with "the reader". */
export function strikes(fault) {
  const wanted = workerData.role === 'writer' ? fault : `the reader ${fault}`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) return false;
  rmSync(file);
  return true;
}

export class DatabaseSync extends Real {
  exec(sql) {
    if (sql === 'commit' && strikes('dies before the commit')) process.exit(1);
    if (sql === 'commit' && strikes('the commit fails')) throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
    super.exec(sql);
    if (sql === 'commit' && strikes('dies after the commit')) process.exit(1);
  }
}

export function resolve(specifier, context, next) {
  const wanted = specifier === '@photostructure/sqlite' && context.parentURL !== import.meta.url;
  return wanted ? { url: import.meta.url, shortCircuit: true } : next(specifier, context);
}
