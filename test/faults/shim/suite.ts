import { describe, inject } from 'vitest';

/** Its tests start the bridge up to nine times, each time with a second of work for a processor that is shared. */
const TIMEOUT_MS = 180_000;

/** A suite that needs the shim. */
export function describeShimmed(name: string, suite: () => void): void {
  describe.skipIf(inject('shim').missing !== null)(name, { timeout: TIMEOUT_MS }, suite);
}
