import type { TestProject } from 'vitest/node';
import { suitesThatCall } from '../../suites.js';
import { whyNoShim } from './compile.js';

declare module 'vitest' {
  interface ProvidedContext {
    shim: {
      /** Why there can be no shim here. */
      readonly missing: string | null;
    };
  }
}

/** Says which suites are left out where the shim cannot be compiled. */
export default async function setUp(project: TestProject): Promise<void> {
  const missing = await whyNoShim();
  if (missing !== null) {
    const line = `SHIM SUITES LEFT OUT (${missing}): ${suitesThatCall(/describeShimmed\(/).join(' ')}`;
    if (process.env['CASTBRIDGE_REQUIRE_FAULTS'] === '1') throw new Error(line);
    console.error(`\n${line}\n`);
  }
  project.provide('shim', { missing });
}
