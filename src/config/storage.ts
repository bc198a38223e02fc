import { kindOf, type Building } from './checking/building.js';
import { isMapping } from './checking/shape.js';
import type { StorageConfiguration } from './configuration.js';
import { StorageSchema, withType, type StorageShape } from './schema/schema.js';

/** What keeps events where the YAML does not say. */
const DEFAULT = 'sqlite';

/** The store; null, and a report, where its kind cannot be told. */
export function buildStorage(value: unknown, building: Building): StorageConfiguration | null {
  const { kinds, check } = building;
  const at = ['storage'];
  // What is no mapping is told by the schema, and the default stands in.
  const given = isMapping(value) ? value : (check(StorageSchema, value, at) as object);
  const typed = kindOf('type' in given ? given : { type: DEFAULT, ...given }, kinds.stores, at, building);
  if (typed === null) return null;
  const { kind } = typed;
  const config = check(withType(kind.type, kind.schema, StorageSchema), isMapping(value) ? typed.value : { type: kind.type }, at) as StorageShape;
  return { kind, config, retentionMs: config.retention };
}
