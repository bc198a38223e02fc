import type { Part } from '../rig/rig.js';
import { drain } from './drain.js';
import { forward } from './forward.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { ingest } from './ingest.js';
import { latency } from './latency.js';
import { losses } from './losses.js';
import { profile } from './profile.js';
import { routing } from './routing.js';
import { start } from './start.js';

/** In the order of the document. */
export const parts: readonly Part[] = [ingest, forward, losses, latency, drain, routing, growth, start, idle, profile];
