import { logLevel, type KafkaConfig } from 'kafkajs';
import { Type, type Static } from '../schema/typebox.js';
import type { Outcome } from '../core/outcome.js';
import type { Interpolated, Log, Sink, SinkContext, SinkKind } from '../core/sink.js';
import { Secret, TlsFiles } from '../schema/values.js';
import { compileHeaders } from './headers.js';
import { recordOf, type KafkaContent } from './kafka-record.js';
import { Session } from './kafka-session.js';
import { shownBody } from './preview.js';
import { TopicWriter, type Sending } from './kafka-topic.js';

const closed = { additionalProperties: false } as const;

const Config = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: '^[^\\s:/\\[\\]]+:\\d+$' }), {
      // kafkajs takes the host to end at the first colon: no IPv6 address can stand here.
      description: 'brokers to begin with, `host:port`; a name where the address is IPv6',
      minItems: 1,
      examples: [['kafka-1.example:9092']],
    }),
    topic: Type.String({ description: 'the topic; may hold CEL in braces, `castai.{event.type}`', minLength: 1, examples: ['castai.events'] }),
    topics: Type.Optional(
      Type.Array(Type.String(), {
        description: 'the topics a computed one may be; needed where the topic begins with a brace',
        minItems: 1,
        examples: [['castai.events', 'castai.audit']],
      }),
    ),
    key: Type.Optional(
      Type.String({
        description: 'the key, in CEL: records of one key go to one partition, in the order they are sent',
        minLength: 1,
        examples: ['event.cluster.id'],
      }),
    ),
    ordering: Type.Enum(['none', 'key'], {
      description:
        '`key`: records of one key are written one after another, in the order their events came in, retries included; other keys are not held up. A key that gives nothing is in no order. It costs a look into the store for each batch',
      default: 'none',
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'further headers; values may hold CEL in braces',
      default: {},
      examples: [{ severity: '{event.severity}' }],
    }),
    value: Type.Enum(['raw', 'cloudevents', 'cloudevents-binary'], {
      description:
        'the received bytes; a CloudEvents 1.0 JSON around them; or the received bytes, and the attributes of the CloudEvent as headers, `ce_id`',
      default: 'raw',
    }),
    // The others are not implemented by kafkajs.
    compression: Type.Enum(['none', 'gzip'], { description: 'compression of batches', default: 'none' }),
    clientId: Type.String({ description: 'what the broker’s log and quotas know it by', default: 'castbridge', minLength: 1 }),
    tls: Type.Optional(
      Type.Union([Type.Boolean(), Type.Object(TlsFiles, closed)], {
        description: 'true, or PEM texts `ca`, `cert`, `key` (`${file:PATH}`); certificates are always verified',
        examples: [true],
      }),
    ),
    sasl: Type.Optional(
      Type.Object(
        {
          mechanism: Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
            description: 'how the password is proved',
            examples: ['scram-sha-512'],
          }),
          username: Type.String({ description: 'the user', minLength: 1, examples: ['castbridge'] }),
          password: Secret({ description: 'the password', examples: ['${KAFKA_PASSWORD}'] }),
        },
        { ...closed, description: 'who the bridge is; without `tls`, the mechanism `plain` sends the password in clear text' },
      ),
    ),
  },
  closed,
);
type Config = Static<typeof Config>;

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
    if (fault !== null) report({ path: ['topic'], ...fault, from: [['topics']] });
    const key = config.key === undefined ? () => null : compiler.expression(config.key, ['key']);
    if (config.ordering === 'key' && config.key === undefined)
      report({ path: ['ordering'], what: 'there is no key that records could be ordered by', remedy: 'add `key:`, such as event.cluster.id' });
    const headers = compileHeaders(config.headers, compiler, report, { own: config.value === 'cloudevents-binary' ? /^ce_/i : null });
    return (event) => ({
      topic: topic.render(event),
      key: key(event),
      headers: headers(event),
    });
  },

  ordering: ({ ordering, key }, compiler) => (ordering === 'key' && key !== undefined ? compiler.expression(key, ['key']) : null),

  preview(config, message) {
    const { topic } = message.content;
    const { key, value, headers } = recordOf(message, config.value);
    const refused = refusal(topic, config.topics);
    return {
      topic,
      key: key === null ? null : shownBody(key),
      headers,
      value: shownBody(value),
      ...(refused === null ? {} : { refused: `${refused.reason}: ${refused.answer}` }),
    };
  },

  open: openKafka,
};

/** T50: an event must not choose any topic it likes. */
function topicFault(topic: Interpolated, topics: Config['topics']): { what: string; remedy: string } | null {
  if (topic.computed && topic.literalPrefix === '' && topics === undefined) {
    return { what: 'an event could choose any topic', remedy: 'begin with a literal text, or list what is allowed under `topics`' };
  }
  const { literalPrefix, computed } = topic;
  if (topics?.some((name) => (computed ? name.startsWith(literalPrefix) : name === literalPrefix)) === false) {
    return { what: 'no topic under `topics` is one that it can be', remedy: 'add the topic to the list, or delete the list' };
  }
  const wrong = [...(topics ?? []), topic.literalPrefix].find((name) => name !== '' && !isTopic(name));
  return wrong === undefined ? null : { what: `"${wrong}" is no name of a topic`, remedy: 'use up to 249 letters, digits, ".", "_" and "-"' };
}

function isTopic(name: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

function openKafka(config: Config, context: SinkContext): Sink<KafkaContent> {
  const writers = new Map<string, TopicWriter>();
  const open = sessions(config, context);

  const writerOf = (topic: string): TopicWriter => {
    const known = writers.get(topic) ?? new TopicWriter(topic, config.compression, () => open(topic));
    writers.set(topic, known);
    return known;
  };

  return {
    async send(batch, signal) {
      const byWriter = new Map<TopicWriter, Sending[]>();
      const sendings = batch.map((message): Sending => {
        const { topic } = message.content;
        const sending = { record: recordOf(message, config.value), outcome: refusal(topic, config.topics) ?? tooMany(topic, writers) };
        if (sending.outcome !== null) return sending;
        const writer = writerOf(topic);
        const others = byWriter.get(writer);
        if (others === undefined) byWriter.set(writer, [sending]);
        else others.push(sending);
        return sending;
      });
      await untilAborted(Promise.all([...byWriter].map(([writer, part]) => writer.send(part, signal))), signal);
      return sendings.map(({ outcome }) => outcome ?? TIMEOUT);
    },
    async close() {
      await Promise.all([...writers.values()].map((writer) => writer.close()));
    },
  };
}

const TIMEOUT: Outcome = { kind: 'retry', reason: 'timeout', answer: 'no answer in time; the broker may still store it' };

async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let end: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => (end = resolve));
  signal.addEventListener('abort', end, { once: true });
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', end);
}

/** Opens sessions. kafkajs always asks the first broker of its list: the one that last failed comes last. */
function sessions(config: Config, { timeoutMs, log }: SinkContext): (topic: string) => Session {
  const options = clientOptions(config, log);
  let first = 0;
  return (topic) => {
    const asked = first;
    const brokers = [...config.brokers.slice(asked), ...config.brokers.slice(0, asked)];
    const session = new Session(topic, { ...options, brokers }, timeoutMs);
    session.partitions().catch(() => (first = (asked + 1) % config.brokers.length));
    return session;
  };
}

type Refusal = Extract<Outcome, { kind: 'rejected' }>;

function refusal(topic: string, allowed: Config['topics']): Refusal | null {
  if (!isTopic(topic)) return { kind: 'rejected', reason: 'topic_invalid', answer: `"${topic.slice(0, 100)}" is no name of a topic` };
  if (allowed?.includes(topic) === false) return { kind: 'rejected', reason: 'topic_not_allowed', answer: `"${topic}" is not in \`topics\`` };
  return null;
}

function tooMany(topic: string, writers: ReadonlyMap<string, unknown>): Refusal | null {
  if (writers.has(topic) || writers.size < TOPICS_MAX) return null;
  return { kind: 'rejected', reason: 'too_many_topics', answer: `more than ${TOPICS_MAX} topics` };
}

function clientOptions({ clientId, tls, sasl }: Config, log: Log): Omit<KafkaConfig, 'brokers'> {
  return {
    clientId,
    // Verified also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    ...(tls !== undefined && tls !== false && { ssl: { ...(tls === true ? {} : tls), rejectUnauthorized: true } }),
    // A copy: kafkajs writes into it.
    ...(sasl !== undefined && { sasl: { ...sasl } as NonNullable<KafkaConfig['sasl']> }),
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log: { message } }) =>
        log.debug({ namespace, detail: message }, 'kafkajs'),
  };
}
