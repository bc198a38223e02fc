import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Configuration } from './configuration.js';

/** Writes the secrets that `${generate:PATH}` asked for and that do not exist yet. Throws where one cannot be written. */
export function writeSecretFiles(files: Configuration['secretFiles']): void {
  for (const { path, secret } of files) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
      const why = exists ? 'it exists, and cannot be read' : error instanceof Error ? error.message : String(error);
      throw new Error(`the secret file ${path} cannot be written: ${why}`, { cause: error });
    }
  }
}
