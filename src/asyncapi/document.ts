import type { Configuration, SinkConfiguration } from '../config/configuration.js';
import type { Kinds } from '../kinds.js';
import type { kafka } from '../sinks/kafka.js';
import { messagesOf } from './messages.js';
import { createServers, type Servers } from './servers.js';
import { topicOf, type Topic } from './topics.js';

/** What a Kafka sink is configured with. */
export type KafkaSink = Parameters<typeof kafka.open>[0];

/** A part of the document: plain JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** A topic, or those of one computed name, and the sinks that write to it. */
interface Channel {
  readonly topic: Topic;
  readonly servers: readonly string[];
  readonly sinks: SinkConfiguration[];
}

/**
 * The topics of a configuration as an AsyncAPI 3.0 document; null where it has no Kafka sink. Brokers are in it, credentials are not. It says what the table
 * allows: which events its conditions (`where`) let through is known for each event alone.
 */
export function asyncapiDocument(config: Configuration, kinds: Kinds, version: string): Json | null {
  const sinks = config.sinks.filter(({ kind }) => kind.type === 'kafka');
  if (sinks.length === 0) return null;
  const servers = createServers();
  const channels = channelsOf(sinks, servers);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'castbridge',
      version,
      description:
        'The Kafka topics that this configuration writes to. Records of an earlier configuration may still be in them. Of the value, a schema says what the bridge has checked, and no more.',
    },
    defaultContentType: 'application/json',
    servers: servers.described(),
    channels: Object.fromEntries([...channels].map(([name, channel]) => [name, channelOf(name, channel, config)])),
    operations: Object.fromEntries(
      [...channels.keys()].map((name) => [name, { action: 'send', channel: refTo('channels', name), summary: 'the bridge writes, consumers read' }]),
    ),
    components: { schemas: schemasOf(config, kinds), securitySchemes: servers.securitySchemes() },
  };
}

/** By the name of the first sink that writes to it. */
function channelsOf(sinks: readonly SinkConfiguration[], servers: Servers): Map<string, Channel> {
  const channels = new Map<string, Channel>();
  const known = new Map<string, Channel>();
  for (const sink of sinks) {
    const config = sink.config as KafkaSink;
    const topic = topicOf(config);
    const names = servers.namesOf(config);
    const key = JSON.stringify([topic, names]);
    const channel = known.get(key) ?? { topic, servers: names, sinks: [] };
    if (!known.has(key)) channels.set(sink.name, channel);
    known.set(key, channel);
    channel.sinks.push(sink);
  }
  return channels;
}

function channelOf(name: string, { topic, servers, sinks }: Channel, config: Configuration): Json {
  const { address, parameters } = topic;
  const isOne = Object.keys(parameters).length === 0;
  return {
    address,
    ...(isOne ? {} : { parameters }),
    title: isOne ? address : `topics of ${name}`,
    servers: servers.map((server) => refTo('servers', server)),
    messages: Object.fromEntries(sinks.flatMap((sink) => messagesOf(sink, config))),
    ...(isOne ? { bindings: { kafka: { topic: address, bindingVersion: '0.5.0' } } } : {}),
  };
}

/** The bodies of each format that a source has. */
function schemasOf({ readers }: Configuration, kinds: Kinds): Json {
  const types = new Set([...readers.values()].map(({ format }) => format.type));
  return Object.fromEntries([...types].map((type) => [type, { title: type, ...bodyOf(type, kinds) }]));
}

function bodyOf(type: string, { formats }: Kinds): object {
  return formats.find((kind) => kind.type === type)?.payload ?? { description: 'anything: the format asks nothing of it' };
}

function refTo(...path: readonly string[]): Json {
  return { $ref: `#/${path.join('/')}` };
}
