import { kindOf, type Building } from './building.js';
import type { StorageConfiguration } from './configuration.js';
import { StorageSchema, withType, type StorageShape } from './schema.js';

/** What keeps events where the YAML does not say. */
const DEFAULT = 'sqlite';

/** The store; null where a mistake was reported. */
export function buildStorage(value: unknown, { kinds, check, report }: Building): StorageConfiguration | null {
  const at = ['storage'];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return check(StorageSchema, value, at) as null;
  const typed = 'type' in value ? value : { type: DEFAULT, ...value };
  const kind = kindOf(typed, kinds.stores, at, report);
  if (kind === null) return null;
  const config = check(withType(kind.type, kind.schema, StorageSchema), typed, at) as StorageShape | null;
  return config === null ? null : { kind, config, retentionMs: config.retention };
}
