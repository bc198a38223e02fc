import type { LaneConfiguration, SinkConfiguration } from '../../src/config/configuration.js';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import type { EventView } from '../../src/core/event.js';
import type { Outcome } from '../../src/core/outcome.js';
import { createRedact, type Redact } from '../../src/core/redact.js';
import type { Log, Message, Preview, Sink, SinkContext } from '../../src/core/sink.js';
import { kinds } from '../../src/kinds.js';

const RECEIVED = '2026-01-12T09:24:07.000Z';

/** A log that nobody reads. */
export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A sink as the loader makes it of the YAML: what is tested is what users get. */
export interface Configured {
  readonly lane: LaneConfiguration;
  readonly render: SinkConfiguration['render'];
  /** Hides the secrets that the loader found. */
  readonly redact: Redact;
  /** Opens the sink; without an environment, by the clock of the machine, unless something else is given. */
  readonly open: (context?: Partial<SinkContext>) => Sink<never>;
  /** What is said of a message before it is sent. */
  readonly preview: (message: Message<never>) => Preview;
  /** The message an event becomes. Throws where it cannot be rendered. */
  readonly message: (event?: Partial<EventView>, body?: Buffer) => Message<never>;
}

/** Throws with the problems of a configuration that is wrong. */
export function configured(sink: object): Configured {
  const yaml = JSON.stringify({
    sources: { castai: { path: '/w', verify: { type: 'none' }, format: 'castai-event' } },
    sinks: { out: sink },
    routes: [{ to: ['out'] }],
  });
  const loaded = parseConfig(yaml, 'sink.yaml', {}, kinds);
  if (!loaded.ok) throw new Error(loaded.problems.map(lineOf).join('\n'));
  const [built] = loaded.config.sinks;
  if (built === undefined) throw new Error('the sink was not built');
  return {
    lane: built.lane,
    render: built.render,
    redact: createRedact(loaded.config.secrets),
    open: (context = {}) =>
      built.kind.open(built.config, { name: 'out', timeoutMs: built.lane.timeoutMs, nowMs: Date.now, environment: {}, log: silent, ...context }),
    preview: (message) => built.kind.preview(built.config, message),
    message: (parts, body) => messageOf(view(parts), body, built.render),
  };
}

/** Opens a sink, sends it one event once, and closes it. */
export async function sent(
  sink: object,
  event: Partial<EventView> = {},
  signal = AbortSignal.timeout(25_000),
  context: Partial<SinkContext> = {},
): Promise<Outcome | undefined> {
  const { open, message } = configured(sink);
  const opened = open(context);
  try {
    return (await opened.send([message(event)], signal))[0];
  } finally {
    await opened.close();
  }
}

/** An event as sinks see it. */
export function view(parts: Partial<EventView> = {}): EventView {
  const { id = 'evt_1', type = 'resource.created', data = { nodes: 3 } } = parts;
  return {
    source: 'castai',
    severity: 'critical',
    name: 'Node deletion failed',
    message: 'The node of prod-eu-1 is still there.',
    cluster: { id: 'c1a7c2f4', name: 'prod-eu-1' },
    time: '2026-01-12T09:24:06Z',
    receivedAt: RECEIVED,
    body: { id, type, data },
    ...parts,
    id,
    type,
    data,
  };
}

function messageOf(event: EventView, given: Buffer | undefined, render: SinkConfiguration['render']): Message<never> {
  const { id, source, type, receivedAt, time } = event;
  const body = given ?? Buffer.from(JSON.stringify(event.body));
  return {
    deliveryId: `1-0badcafe.${Buffer.from(id).toString('hex')}`,
    event: { id, source, type, receivedAt, receivedMs: Date.parse(receivedAt), time },
    body,
    content: render(event, body, null) as never,
  };
}
