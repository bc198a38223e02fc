import type { Configuration, Lead, SinkConfiguration } from '../config/configuration.js';
import { ON_DEAD } from '../core/delivery.js';
import { compileGlob } from '../routing/glob.js';
import { listOf } from '../routing/match.js';
import type { Json, KafkaSink } from './document.js';
import { envelopeOf } from './envelope.js';
import { deadLetterHeaders, headersOf } from './headers.js';
import { typeSchema } from './types.js';

/** The records that a sink writes: one kind for each source whose events a row leads to it, by its name. */
export function messagesOf(sink: SinkConfiguration, config: Configuration): (readonly [string, Json])[] {
  const isTold = config.deadTo.includes(sink.name) || config.sinks.some(({ deadTo }) => deadTo.includes(sink.name));
  return [...eventsOf(sink, config), ...(isTold ? [deadLetterOf(sink)] : [])];
}

function eventsOf(sink: SinkConfiguration, { readers, leads }: Configuration): (readonly [string, Json])[] {
  const config = sink.config as KafkaSink;
  const sources = new Map([...readers.values()].map((reader) => [reader.name, reader]));
  return [...sources.values()].flatMap(({ name: source, format }) => {
    const rows = leads.filter(({ match, to }) => to.includes(sink.name) && takes(match?.source, source));
    if (rows.length === 0) return [];
    const name = `${sink.name}.${source}`;
    const type = typeSchema(rows);
    const body = { $ref: `#/components/schemas/${format.type}` };
    const envelope = envelopeOf(config.value, { source, type, body });
    return [[name, messageOf(name, { ...envelope, sink, source, rows, headers: headersOf(config, { source, type, envelope }) })] as const];
  });
}

function takes(patterns: Parameters<typeof listOf>[0], source: string): boolean {
  return listOf(patterns)?.some((pattern) => compileGlob(pattern)(source)) ?? true;
}

/** The dead letters of other sinks, of whatever source. */
function deadLetterOf(sink: SinkConfiguration): readonly [string, Json] {
  const config = sink.config as KafkaSink;
  const name = `${sink.name}.${ON_DEAD}`;
  return [
    name,
    {
      name,
      title: 'dead letters of other sinks',
      headers: deadLetterHeaders(config),
      payload: { description: 'what was received, in the form of this sink; it may be no JSON' },
      bindings: { kafka: { key: keySchema(config.key), bindingVersion: '0.5.0' } },
      'x-castbridge': { sink: sink.name, routes: [ON_DEAD] },
    },
  ];
}

interface MessageParts {
  readonly sink: SinkConfiguration;
  readonly source: string;
  readonly rows: readonly Lead[];
  readonly headers: Json;
  readonly contentType: string;
  readonly payload: Json;
}

function messageOf(name: string, { sink, source, rows, headers, contentType, payload }: MessageParts): Json {
  const { key } = sink.config as KafkaSink;
  return {
    name,
    title: `events of ${source}`,
    contentType,
    headers,
    payload,
    bindings: { kafka: { key: keySchema(key), bindingVersion: '0.5.0' } },
    'x-castbridge': { sink: sink.name, source, routes: rows.map((row) => row.name) },
  };
}

function keySchema(key: string | undefined): Json {
  if (key === undefined) return { type: 'null', description: 'records have no key' };
  return { type: ['string', 'null'], description: `computed, in CEL: ${key}; null where that is empty` };
}
