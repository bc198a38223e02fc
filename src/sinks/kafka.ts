import { Kafka, logLevel, type KafkaConfig, type Message as KafkaMessage } from 'kafkajs';
import { Type, type Static } from 'typebox';
import type { Outcome } from '../core/outcome.js';
import type { Interpolated, Log, Message, Sink, SinkKind } from '../core/sink.js';
import { Secret } from '../schema/values.js';
import { castbridgeHeaders, headerFault } from './headers.js';
import { TopicWriter } from './kafka-topic.js';

const closed = { additionalProperties: false } as const;

const Config = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: '^[^\\s:/]+:\\d+$|^\\[[0-9a-fA-F:]+\\]:\\d+$' }), {
      description: 'brokers to begin with, `host:port`',
      minItems: 1,
    }),
    topic: Type.String({ description: 'the topic; may hold CEL in braces, `castai.{event.type}`', minLength: 1 }),
    topics: Type.Optional(
      Type.Array(Type.String(), { description: 'the topics a computed one may be; needed where the topic begins with a brace', minItems: 1 }),
    ),
    key: Type.Optional(Type.String({ description: 'the key, in CEL: records of one key stay in order', minLength: 1 })),
    headers: Type.Record(Type.String(), Type.String(), { description: 'further headers; values may hold CEL in braces', default: {} }),
    value: Type.Enum(['raw', 'cloudevents'], { description: 'the received bytes, or a CloudEvents 1.0 structured JSON around them', default: 'raw' }),
    compression: Type.Enum(['none', 'gzip'], { description: 'compression of batches', default: 'none' }),
    clientId: Type.String({ description: 'what the broker’s log and quotas know it by', default: 'castbridge', minLength: 1 }),
    tls: Type.Optional(
      Type.Union(
        [
          Type.Boolean(),
          Type.Object(
            {
              ca: Type.Optional(Type.String()),
              cert: Type.Optional(Type.String()),
              key: Type.Optional(Secret({ description: 'PEM of the client’s key' })),
            },
            closed,
          ),
        ],
        { description: 'true, or PEM texts `ca`, `cert`, `key` (`${file:PATH}`); certificates are always verified' },
      ),
    ),
    sasl: Type.Optional(
      Type.Object(
        {
          mechanism: Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512'], { description: 'how the password is proved' }),
          username: Type.String({ description: 'the user', minLength: 1 }),
          password: Secret({ description: 'the password' }),
        },
        { ...closed, description: 'who the bridge is' },
      ),
    ),
  },
  closed,
);
type Config = Static<typeof Config>;

/** What rendering makes of an event. */
export interface KafkaContent {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Longer than the broker waits for its replicas: a request that times out here may still be stored. */
const REQUEST_MS = 25_000;
const CONNECT_MS = 10_000;
/** Topics a sink writes to: computed ones without a list could be as many as there are events. */
const TOPICS_MAX = 1_000;

/** Writes each event as a record. */
export const kafka: SinkKind<Config, KafkaContent> = {
  type: 'kafka',
  description:
    'One record an event: the received bytes, unchanged, acknowledged by all in-sync replicas. Partitions are those Java’s producer would choose for the key. A record that the broker refuses by its size is a dead letter, alone; a missing topic, a refused login and everything else is tried again.',
  schema: Config,
  lane: { concurrency: 4, batch: 500, timeoutMs: 30_000, pacePerSecond: null },

  prepare(config, compiler, report) {
    const topic = compiler.interpolated(config.topic, ['topic']);
    const fault = topicFault(topic, config.topics);
    if (fault !== null) report({ path: ['topic'], ...fault });
    const key = config.key === undefined ? () => null : compiler.expression(config.key, ['key']);
    const headers = Object.entries(config.headers).map(([name, value]) => {
      const wrong = headerFault(name);
      if (wrong !== null) report({ path: ['headers', name], ...wrong });
      return [name, compiler.interpolated(value, ['headers', name])] as const;
    });
    return (event) => ({
      topic: topic.render(event),
      key: key(event),
      headers: Object.fromEntries(headers.map(([name, value]) => [name, value.render(event)])),
    });
  },

  open: (config, { log }) => openKafka(config, log),
};

/** T50: an event must not choose any topic it likes. */
function topicFault(topic: Interpolated, topics: Config['topics']): { what: string; remedy: string } | null {
  if (topic.computed && topic.literalPrefix === '' && topics === undefined) {
    return { what: 'an event could choose any topic', remedy: 'begin with a literal text, or list what is allowed under `topics`' };
  }
  const wrong = [...(topics ?? []), topic.literalPrefix].find((name) => name !== '' && !isTopic(name));
  return wrong === undefined ? null : { what: `"${wrong}" is no name of a topic`, remedy: 'use up to 249 letters, digits, ".", "_" and "-"' };
}

function isTopic(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

function openKafka(config: Config, log: Log): Sink<KafkaContent> {
  const client = new Kafka(clientOptions(config, log));
  const writers = new Map<string, TopicWriter>();

  const writerOf = (topic: string): TopicWriter => {
    const known = writers.get(topic) ?? new TopicWriter(client, topic, config.compression);
    writers.set(topic, known);
    return known;
  };

  return {
    async send(batch, signal) {
      const outcomes: Outcome[] = [];
      const byTopic = new Map<string, number[]>();
      batch.forEach(({ content: { topic } }, index) => {
        const refused = refusal(topic, config.topics, writers);
        if (refused === null) byTopic.set(topic, [...(byTopic.get(topic) ?? []), index]);
        else outcomes[index] = refused;
      });
      await Promise.all(
        [...byTopic].map(async ([topic, indexes]) => {
          const records = indexes.flatMap((index) => (batch[index] === undefined ? [] : [recordOf(batch[index], config.value)]));
          const sent = await writerOf(topic).send(records, signal);
          indexes.forEach((index, place) => (outcomes[index] = sent[place] ?? { kind: 'retry', reason: 'unconfirmed', answer: '' }));
        }),
      );
      return outcomes;
    },
    async close() {
      await Promise.all([...writers.values()].map((writer) => writer.close()));
    },
  };
}

function refusal(topic: string, allowed: Config['topics'], writers: ReadonlyMap<string, unknown>): Outcome | null {
  if (!isTopic(topic)) return { kind: 'rejected', reason: 'topic_invalid', answer: `"${topic.slice(0, 100)}" is no name of a topic` };
  if (allowed?.includes(topic) === false) return { kind: 'rejected', reason: 'topic_not_allowed', answer: `"${topic}" is not in \`topics\`` };
  if (!writers.has(topic) && writers.size >= TOPICS_MAX)
    return { kind: 'rejected', reason: 'too_many_topics', answer: `more than ${TOPICS_MAX} topics` };
  return null;
}

function recordOf(message: Message<KafkaContent>, form: Config['value']): KafkaMessage {
  const { content, event, body } = message;
  return {
    key: content.key === null ? null : Buffer.from(content.key),
    // A Buffer, never a bare Uint8Array: kafkajs would write that as a text.
    value: form === 'raw' ? body : cloudEvent(message),
    headers: {
      ...content.headers,
      'content-type': form === 'raw' ? 'application/json' : 'application/cloudevents+json; charset=utf-8',
      ...castbridgeHeaders(message),
    },
    // When it was received: an event's own time may lie ahead, and brokers refuse that.
    timestamp: String(event.receivedMs),
  };
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** CloudEvents 1.0, structured mode; `data` is the received bytes, put in unchanged. */
function cloudEvent({ event, body }: Message<KafkaContent>): Buffer {
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: event.id,
    source: `/castbridge/${encodeURIComponent(event.source)}`,
    type: event.type,
    time: event.time !== null && RFC_3339.test(event.time) ? event.time : event.receivedAt,
    datacontenttype: 'application/json',
  });
  const withoutMark = body.subarray(0, 3).equals(UTF8_MARK) ? body.subarray(3) : body;
  return Buffer.concat([Buffer.from(`${attributes.slice(0, -1)},"data":`), withoutMark, Buffer.from('}')]);
}

/** A byte order mark is allowed before a JSON text, not inside one. */
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function clientOptions({ clientId, brokers, tls, sasl }: Config, log: Log): KafkaConfig {
  return {
    clientId,
    brokers: [...brokers],
    // At client level: the producer's own setting does not reach connecting. Retries are the bridge's: kafkajs loses events when it repeats a send.
    retry: { retries: 0 },
    requestTimeout: REQUEST_MS,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: CONNECT_MS,
    ...(tls === undefined || tls === false ? {} : { ssl: tls === true ? true : { ...tls } }),
    ...(sasl === undefined ? {} : { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log: { message } }) =>
        log.debug({ namespace, detail: message }, 'kafkajs'),
  };
}
