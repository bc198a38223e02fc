import { describe, inject } from 'vitest';

/** A suite that needs the shim. */
export function describeShimmed(name: string, suite: () => void): void {
  describe.skipIf(inject('shim').missing !== null)(name, suite);
}
