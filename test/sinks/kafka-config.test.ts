import { expect, it } from 'vitest';
import { lineOf } from '../../src/config/finding.js';
import { parseConfig } from '../../src/config/load.js';
import { kinds } from '../../src/kinds.js';

/** The problems of a bridge whose one sink is this, without their places. */
function problemsOf(sink: object): readonly string[] {
  const yaml = JSON.stringify({
    sources: { castai: { path: '/w', verify: { type: 'none' }, format: 'castai-event' } },
    sinks: { events: { type: 'kafka', brokers: ['kafka-1:9092'], ...sink } },
    routes: [{ to: ['events'] }],
  });
  const loaded = parseConfig(yaml, 'bridge.yaml', {}, kinds);
  return loaded.ok ? [] : loaded.problems.map((problem) => lineOf(problem).replace(/^\S+ +/, ''));
}

it.each([
  [{ topic: 'castai.events' }],
  [{ topic: 'castai.{event.type}' }],
  [{ topic: '{event.source}', topics: ['castai', 'other'] }],
  [{ topic: 'castai', topics: ['castai', 'other'] }],
  [{ topic: 'castai.{event.type}', topics: ['castai.test', 'other'] }],
  [{ topic: 'castai.events', brokers: ['kafka-1:9092', '10.0.0.1:9092'], tls: true, headers: { 'content-type': 'text/plain' } }],
])('%o is a sink', (sink) => expect(problemsOf(sink)).toEqual([]));

it.each([
  ['T50: a topic that an event could choose', { topic: '{event.type}' }, 'topic: an event could choose any topic'],
  ['a topic of an impossible name', { topic: 'castai events' }, 'topic: "castai events" is no name of a topic'],
  ['an allowed topic of an impossible name', { topic: '{event.type}', topics: ['a/b'] }, 'topic: "a/b" is no name of a topic'],
  ['a topic that is not allowed', { topic: 'castai', topics: ['other'] }, 'topic: no topic under `topics`'],
  ['a computed topic that is never allowed', { topic: 'castai.{event.type}', topics: ['castai'] }, 'topic: no topic under `topics`'],
  ['a header of the bridge’s own', { topic: 't', headers: { 'Castbridge-Event-Id': 'x' } }, 'headers.Castbridge-Event-Id: the bridge sets'],
  ['a broker without a port', { topic: 't', brokers: ['kafka-1'] }, 'brokers[0]'],
  ['an IPv6 address, of which kafkajs would take the half', { topic: 't', brokers: ['[::1]:9092'] }, 'brokers[0]'],
  ['a compression that kafkajs does not have', { topic: 't', compression: 'snappy' }, 'compression'],
  ['a way around the verification of certificates', { topic: 't', tls: { rejectUnauthorized: false } }, 'certificates are always verified'],
])('refuses %s', (_, sink, expected) => {
  const problems = problemsOf(sink);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(expected);
});
