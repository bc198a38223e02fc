import { splitInterpolated } from '../routing/interpolate.js';
import type { Json, KafkaSink } from './document.js';
import { envelopeOf, type Envelope } from './envelope.js';

/** What is told of the events in it. */
interface Content {
  readonly source: string;
  readonly type: Json;
  readonly envelope: Envelope;
}

/** The headers of a record; all of them are texts in UTF-8, and others may be added. */
export function headersOf({ headers: configured }: KafkaSink, { source, type, envelope }: Content): Json {
  const properties = {
    'content-type': { const: envelope.contentType },
    ...Object.fromEntries(Object.entries(configured).map(([name, value]) => [name, configuredHeader(value)])),
    ...envelope.headers,
    ...OF_EVERY_RECORD,
    'castbridge-source': { const: source, description: 'name of the source' },
    'castbridge-type': type,
  };
  return { type: 'object', required: Object.keys(properties), properties };
}

/** The headers of a dead letter that is forwarded. */
export function deadLetterHeaders({ headers: configured, value }: KafkaSink): Json {
  const { headers: ofEnvelope } = envelopeOf(value, { source: '', type: {}, body: {} });
  const properties = {
    'content-type': { type: 'string' },
    ...Object.fromEntries(Object.keys(ofEnvelope).map((name) => [name, { type: 'string' }])),
    ...Object.fromEntries(Object.entries(configured).map(([name, value]) => [name, configuredHeader(value)])),
    ...OF_EVERY_RECORD,
    'castbridge-source': { type: 'string' },
    'castbridge-type': { type: 'string', description: 'empty, where the body could not be read' },
    'castbridge-dead-delivery-id': { type: 'string', description: 'of the dead letter: `castbridge replay` takes it' },
    'castbridge-dead-reason': { type: 'string', minLength: 1 },
    'castbridge-dead-attempts': { type: 'string', pattern: '^\\d+$' },
    'castbridge-dead-detail': { type: 'string', description: 'what the last attempt was answered, or why it reached no sink' },
  };
  const optional = { 'castbridge-dead-sink': { type: 'string' }, 'castbridge-dead-route': { type: 'string' } };
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } };
}

const OF_EVERY_RECORD = {
  'castbridge-event-id': {
    type: 'string',
    minLength: 1,
    description: 'the id that the event goes by: its sender’s, or `sha256:` and the hash of its body',
  },
  'castbridge-delivery-id': {
    type: 'string',
    pattern: '^[0-9a-z-]+\\.[0-9]+$',
    description: 'of this event for this sink by this route; the same, however often it is sent: deduplicate by it',
  },
  'castbridge-received-at': {
    type: 'string',
    format: 'date-time',
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
    description: 'when it was received, as the timestamp of the record',
  },
};

/** Expressions are told; what stands around them may be nobody's business. */
function configuredHeader(value: string): Json {
  const parts = splitInterpolated(value);
  const expressions = typeof parts === 'number' ? [] : parts.flatMap((part) => ('expression' in part ? [part.expression.trim()] : []));
  return { type: 'string', description: expressions.length === 0 ? 'the same for every record' : `computed, in CEL: ${expressions.join(', ')}` };
}
