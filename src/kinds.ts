import type { SinkKind } from './core/sink.js';
import type { StoreKind } from './core/store.js';
import type { FormatKind, PollerKind, VerifierKind } from './core/source.js';
import { consoleSink } from './sinks/console.js';
import { http } from './sinks/http.js';
import { kafka } from './sinks/kafka.js';
import { slack } from './sinks/slack.js';
import { castaiAudit } from './sources/format/castai-audit.js';
import { castaiEvent } from './sources/format/castai-event.js';
import { castaiNotification } from './sources/format/castai-notification.js';
import { cloudevents } from './sources/format/cloudevents.js';
import { github } from './sources/format/github.js';
import { json } from './sources/format/json.js';
import { standardWebhooksFormat } from './sources/format/standard-webhooks.js';
import { castaiAuditPoll } from './sources/poll/castai-audit.js';
import { castaiNotificationsPoll } from './sources/poll/castai-notifications.js';
import { basic } from './sources/verify/basic.js';
import { castai } from './sources/verify/castai.js';
import { header } from './sources/verify/header.js';
import { hmac } from './sources/verify/hmac.js';
import { none } from './sources/verify/none.js';
import { standardWebhooks } from './sources/verify/standard-webhooks.js';
import { sqlite } from './stores/sqlite/sqlite.js';

/** Every kind of verifier, format, poller, sink and store. Adding one is a file of its own and a line here. */
export const kinds = {
  // A kind's Config is known only to itself: the loader hands back what the kind's own schema has checked.
  verifiers: [castai, header, basic, standardWebhooks, hmac, none] as readonly unknown[] as readonly VerifierKind<unknown>[],
  formats: [
    castaiEvent,
    castaiNotification,
    castaiAudit,
    cloudevents,
    standardWebhooksFormat,
    github,
    json,
  ] as readonly unknown[] as readonly FormatKind<unknown>[],
  pollers: [castaiAuditPoll, castaiNotificationsPoll] as readonly unknown[] as readonly PollerKind<unknown>[],
  sinks: [consoleSink, http, kafka, slack] as readonly unknown[] as readonly SinkKind<unknown, unknown>[],
  stores: [sqlite] as readonly unknown[] as readonly StoreKind<unknown>[],
};

export type Kinds = typeof kinds;
