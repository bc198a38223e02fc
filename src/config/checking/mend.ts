import type { Problem } from '../../core/problem.js';
import type { Fault } from './faults.js';
import { isOptional, schemaAt, standIn, type Schema } from './shape.js';

/**
 * Puts something that the schema allows in the place of what is wrong, so that the rest can be checked.
 * True where it is what was meant, or does no harm: then what is below it is checked too.
 */
export function mend(fault: Fault, schema: Schema, whole: { value: unknown }, root: Problem['path']): boolean {
  const path = fault.subject.slice(root.length);
  if (fault.keyword === 'name') return true;
  const key = path.at(-1);
  if (key === undefined) {
    whole.value = standIn(schema);
    return false;
  }
  const above = at(whole.value, path.slice(0, -1));
  if (typeof above !== 'object' || above === null) return false;
  const holder = above as Record<string | number, unknown>;
  if (fault.keyword === 'additionalProperties') {
    if (fault.renamed !== undefined) put(holder, String(fault.renamed.at(-1)), holder[key]);
    Reflect.deleteProperty(holder, key);
    return false;
  }
  if (fault.meant !== undefined) {
    holder[key] = fault.meant;
    return true;
  }
  if (fault.keyword !== 'required' && isOptional(schema, whole.value, path)) Reflect.deleteProperty(holder, key);
  else put(holder, key, standIn(schemaAt(schema, whole.value, path)));
  return false;
}

/** A key such as `__proto__` is a key like others. */
function put(holder: Record<string | number, unknown>, key: string | number, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true });
}

function at(value: unknown, path: Problem['path']): unknown {
  let here = value;
  for (const part of path)
    here = typeof here === 'object' && here !== null && Object.hasOwn(here, part) ? (here as Record<string | number, unknown>)[part] : undefined;
  return here;
}
