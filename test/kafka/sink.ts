import type { Outcome } from '../../src/core/outcome.js';
import type { Log, Message, Sink } from '../../src/core/sink.js';
import type { KafkaContent } from '../../src/sinks/kafka-record.js';
import { kafka } from '../../src/sinks/kafka.js';

type Config = Parameters<typeof kafka.open>[0];

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A sink that says no more than `parts`. Frozen, as the loader hands it over. */
export function openSink(parts: Partial<Config> & Pick<Config, 'brokers'>, log = silent, timeoutMs = 30_000): Sink<KafkaContent> {
  const config = {
    topic: 'from.the.message',
    ordering: 'none',
    headers: {},
    value: 'raw',
    compression: 'none',
    clientId: 'castbridge-test',
    ...parts,
  } as const;
  if (config.sasl !== undefined) Object.freeze(config.sasl);
  return kafka.open(Object.freeze(config), { name: 'events', timeoutMs, nowMs: Date.now, environment: {}, log });
}

const RECEIVED_MS = Date.UTC(2026, 0, 12, 9, 24, 7);

/** A message for `topic` whose body is `{"id":"<id>"}`, but for `parts`. */
export function messageTo(
  topic: string,
  id: string,
  parts: { key?: string | null; body?: Buffer; time?: string | null } = {},
): Message<KafkaContent> {
  const { key = null, body = Buffer.from(JSON.stringify({ id })), time = null } = parts;
  return {
    deliveryId: `delivery-of-${id}`,
    event: {
      id,
      source: 'castai',
      type: 'resource.created',
      receivedAt: new Date(RECEIVED_MS).toISOString(),
      receivedMs: RECEIVED_MS,
      time,
    },
    body,
    content: { topic, key, headers: {} },
  };
}

/** Longer than anything a test waits for. */
const PATIENCE_MS = 20_000;

export async function send(sink: Sink<KafkaContent>, batch: readonly Message<KafkaContent>[], timeoutMs = PATIENCE_MS): Promise<readonly Outcome[]> {
  return sink.send(batch, AbortSignal.timeout(timeoutMs));
}

/** The kind of an outcome, with the reason where there is one: `retry unconfirmed`. */
export function wordsOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => (outcome.kind === 'delivered' ? outcome.kind : `${outcome.kind} ${outcome.reason}`));
}

/** The outcome of one message, sent again until it is no retry: what the bridge does, without its pauses. */
export async function sendUntilSettled(sink: Sink<KafkaContent>, message: Message<KafkaContent>): Promise<string> {
  for (;;) {
    const [word = ''] = wordsOf(await send(sink, [message]));
    if (!word.startsWith('retry')) return word;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
