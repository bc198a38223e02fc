import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/core/outcome.js';
import { faultOf } from '../../src/sinks/kafka-outcome.js';

/** An error with the fields that kafkajs gives it. */
function error(fields: object, message = 'what happened'): Error {
  return Object.assign(new Error(message), fields);
}

function word({ divide, outcome }: { divide: boolean; outcome: Outcome }): string {
  const hold = outcome.kind === 'retry' && outcome.holdSink === true ? ' hold' : '';
  return `${outcome.kind}${outcome.kind === 'delivered' ? '' : ` ${outcome.reason}`}${hold}${divide ? ' divide' : ''}`;
}

describe('the outcome of a failed send', () => {
  it.each([
    ['rejected message_too_large divide', { type: 'MESSAGE_TOO_LARGE' }],
    ['rejected message_too_large divide', { type: 'RECORD_LIST_TOO_LARGE' }],
    ['rejected invalid_record divide', { type: 'INVALID_RECORD' }],
    ['rejected invalid_timestamp divide', { type: 'INVALID_TIMESTAMP' }],
    ['rejected invalid_record divide', { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
    ['rejected topic_invalid', { type: 'INVALID_TOPIC_EXCEPTION' }],
    ['retry unknown_topic_or_partition', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    ['retry topic_authorization_failed', { type: 'TOPIC_AUTHORIZATION_FAILED' }],
    ['retry leader_not_available', { type: 'LEADER_NOT_AVAILABLE' }],
    ['retry not_leader_for_partition', { type: 'NOT_LEADER_FOR_PARTITION' }],
    ['retry not_enough_replicas hold', { type: 'NOT_ENOUGH_REPLICAS' }],
    ['retry request_timed_out hold', { type: 'REQUEST_TIMED_OUT' }],
    ['retry sasl_failed hold', { name: 'KafkaJSSASLAuthenticationError' }],
    ['retry timeout hold', { name: 'KafkaJSRequestTimeoutError' }],
    ['retry timeout hold', { name: 'KafkaJSConnectionError', code: 'ETIMEDOUT' }],
    ['retry refused hold', { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' }],
    ['retry connection hold', { name: 'KafkaJSConnectionClosedError' }],
    ['retry dns hold', { name: 'KafkaJSConnectionError', code: 'ENOTFOUND' }],
    ['retry tls hold', { name: 'KafkaJSConnectionError', code: 'SELF_SIGNED_CERT_IN_CHAIN' }],
    ['retry tls hold', { name: 'KafkaJSConnectionError', code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['retry tls hold', { name: 'KafkaJSConnectionError', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }],
    ['retry connection hold', { name: 'TypeError' }],
  ])('%s: %o', (expected, fields) => expect(word(faultOf(error(fields)))).toBe(expected));

  it('goes by the root cause, however kafkajs wraps it, and whatever it calls retriable', () => {
    const refused = error({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' });
    const exceeded = error({ name: 'KafkaJSNumberOfRetriesExceeded', retriable: false, cause: refused });
    expect(word(faultOf(error({ name: 'KafkaJSNonRetriableError', retriable: false, cause: exceeded })))).toBe('retry refused hold');
    expect(word(faultOf(error({ name: 'KafkaJSError', originalError: error({ type: 'MESSAGE_TOO_LARGE' }) })))).toBe(
      'rejected message_too_large divide',
    );
  });

  it('is a retry for whatever else is thrown, and an error that is its own cause comes to an end', () => {
    const circle = error({});
    Object.assign(circle, { cause: circle });
    for (const thrown of [circle, new Error('Broker not connected'), 'a text', null, undefined, 7, error({ type: '__proto__' })]) {
      expect(faultOf(thrown)).toMatchObject({ divide: false, outcome: { kind: 'retry' } });
    }
  });

  it('says what was wrong', () => {
    expect(faultOf(error({ type: 'MESSAGE_TOO_LARGE' }, 'The request included a message larger')).outcome.answer).toBe(
      'MESSAGE_TOO_LARGE: The request included a message larger',
    );
  });
});
