import type { Part } from '../rig/rig.js';
import { forward } from './forward.js';
import { ingest } from './ingest.js';

/** In the order of the document. */
export const parts: readonly Part[] = [ingest, forward];
