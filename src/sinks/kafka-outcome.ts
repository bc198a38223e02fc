import type { Outcome } from '../core/outcome.js';

/** Errors of the message itself. The broker names no offender: a batch is divided until one is left. */
const OF_THE_MESSAGE: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'message_too_large',
  RECORD_LIST_TOO_LARGE: 'message_too_large',
  INVALID_RECORD: 'invalid_record',
  INVALID_TIMESTAMP: 'invalid_timestamp',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'invalid_record',
  // Node's: kafkajs was given a number where bytes belong, and has sent nothing of the batch. Other TypeErrors are mistakes of its own.
  ERR_INVALID_ARG_TYPE: 'invalid_record',
};

/** Errors of one topic: other topics of the sink may work. */
const OF_THE_TOPIC: readonly string[] = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'TOPIC_AUTHORIZATION_FAILED',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
];

/** What a failed send says about its messages: `divide` where the fault is in one of them. */
export type SendFault = { readonly divide: true; readonly outcome: Outcome } | { readonly divide: false; readonly outcome: Outcome };

/** Goes by the root cause alone: kafkajs wraps a refused connection as "non-retriable", and an oversize request as "closed connection". */
export function faultOf(error: unknown): SendFault {
  const root = rootOf(error);
  const type = stringAt(root, 'type');
  const answer = `${type === '' ? stringAt(root, 'name') : type}: ${stringAt(root, 'message')}`;
  const known = type === '' ? stringAt(root, 'code') : type;
  const permanent = Object.hasOwn(OF_THE_MESSAGE, known) ? OF_THE_MESSAGE[known] : undefined;
  if (permanent !== undefined) return { divide: true, outcome: { kind: 'rejected', reason: permanent, answer } };
  if (type === 'INVALID_TOPIC_EXCEPTION') return { divide: false, outcome: { kind: 'rejected', reason: 'topic_invalid', answer } };
  return { divide: false, outcome: { kind: 'retry', reason: reasonOf(type, root), answer, holdSink: !OF_THE_TOPIC.includes(type) } };
}

function reasonOf(type: string, root: unknown): string {
  if (type !== '' && !/^KafkaJS/.test(type)) return type.toLowerCase();
  const name = stringAt(root, 'name');
  const code = stringAt(root, 'code');
  if (/SASL/.test(name)) return 'sasl_failed';
  if (name === 'KafkaJSRequestTimeoutError' || code === 'ETIMEDOUT') return 'timeout';
  if (/CERT|TLS|SSL|LEAF_SIGNATURE|EPROTO/.test(code)) return 'tls';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns';
  return code === 'ECONNREFUSED' ? 'refused' : 'connection';
}

function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < 8; depth++) {
    const cause = objectAt(root, 'cause') ?? objectAt(root, 'originalError');
    if (cause === null) return root;
    root = cause;
  }
  return root;
}

function objectAt(value: unknown, key: string): object | null {
  const inner: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : null;
  return typeof inner === 'object' ? inner : null;
}

function stringAt(value: unknown, key: string): string {
  const inner: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : '';
  return typeof inner === 'string' ? inner : '';
}
