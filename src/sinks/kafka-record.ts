import type { Message } from '../core/sink.js';
import { CLOUDEVENTS_TYPE, cloudEventHeaders, structuredCloudEvent } from './cloudevents.js';
import { castbridgeHeaders } from './headers.js';

/** What rendering makes of an event. */
export interface KafkaContent {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A record as kafkajs takes it. */
export interface KafkaRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
  readonly timestamp: string;
}

/** What of an event the record holds. */
export type KafkaForm = 'raw' | 'cloudevents' | 'cloudevents-binary';

/** The record a message becomes. */
export function recordOf(message: Message<KafkaContent>, form: KafkaForm): KafkaRecord {
  const { content, event, body } = message;
  return {
    key: content.key === null ? null : Buffer.from(content.key),
    // A Buffer, never a bare Uint8Array: kafkajs would write that as a text.
    value: form === 'cloudevents' ? structuredCloudEvent(message) : body,
    headers: {
      'content-type': form === 'cloudevents' ? CLOUDEVENTS_TYPE : 'application/json',
      ...content.headers,
      ...(form === 'cloudevents-binary' ? cloudEventHeaders(message, 'ce_') : {}),
      ...castbridgeHeaders(message),
    },
    // When it was received: an event's own time may lie ahead, and brokers refuse that.
    timestamp: String(event.receivedMs),
  };
}
