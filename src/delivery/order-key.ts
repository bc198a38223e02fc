import { createHash } from 'node:crypto';
import type { EventView } from '../core/event.js';
import type { Owed } from '../core/store.js';

/** What is owed, with its order key where its sink has them. A key that cannot be evaluated is in no order: its message fails to render, too. */
export function inOrder(owed: Owed, event: EventView, orderKeys: ReadonlyMap<string, (event: EventView) => string | null>): Owed {
  const orderKey = owed.state === 'dead' ? undefined : orderKeys.get(owed.sink);
  if (owed.state === 'dead' || orderKey === undefined) return owed;
  try {
    const key = orderKey(event);
    return key === null ? owed : { ...owed, orderKey: hashed(key) };
  } catch {
    return owed;
  }
}

/** ASCII, of one length, whatever the sender wrote: what stores compare and cut as texts they all treat alike. Unit by unit, so that no two keys are one. */
function hashed(key: string): string {
  return createHash('sha256').update(key, 'utf16le').digest('base64url');
}
