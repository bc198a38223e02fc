import type { SinkKind } from './core/sink.js';
import type { StoreKind } from './core/store.js';
import type { FormatKind, VerifierKind } from './core/source.js';
import { consoleSink } from './sinks/console.js';
import { http } from './sinks/http.js';
import { kafka } from './sinks/kafka.js';
import { slack } from './sinks/slack.js';
import { castaiEvent } from './sources/format/castai-event.js';
import { basic } from './sources/verify/basic.js';
import { castai } from './sources/verify/castai.js';
import { header } from './sources/verify/header.js';
import { hmac } from './sources/verify/hmac.js';
import { none } from './sources/verify/none.js';
import { standardWebhooks } from './sources/verify/standard-webhooks.js';
import { sqlite } from './stores/sqlite/sqlite.js';

/** Every kind of verifier, format, sink and store. Adding one is a file of its own and a line here. */
export const kinds = {
  verifiers: [castai, header, basic, standardWebhooks, hmac, none] as readonly unknown[] as readonly VerifierKind<unknown>[],
  formats: [castaiEvent] as readonly FormatKind[],
  // A kind's Config is known only to itself: the loader hands back what the kind's own schema has checked.
  sinks: [consoleSink, http, kafka, slack] as readonly unknown[] as readonly SinkKind<unknown, unknown>[],
  stores: [sqlite] as readonly unknown[] as readonly StoreKind<unknown>[],
};

export type Kinds = typeof kinds;
