import { describe, expect, it } from 'vitest';
import { runOf, saidOf, testOf } from './tables.js';

const alert = { type: 'alert', severity: 'critical', cluster: { id: 'c-1', name: 'prod-1' } };
const quiet = { event: { ...alert, cluster: { name: 'dev-1' } } };
const body = { id: 'e1', type: 'alert', data: { severity: 'CRITICAL', cluster: { id: 'c-1', name: 'prod-1' } } };

describe('a test of the table passes where all that it says is so', () => {
  it.each<[string, object, unknown]>([
    ['a body that is read by the source’s format', { body }, ['ops', 'events']],
    ['a body that is a text, byte for byte', { body: JSON.stringify(body) }, { messages: { events: { value: JSON.stringify(body) } } }],
    ['an event by its attributes', { event: alert }, ['events', 'ops']],
    [
      'a severity in capital letters, as formats read it',
      { event: { ...alert, severity: 'CRITICAL' } },
      { messages: { ops: { text: '*critical* alert\non prod-1' } } },
    ],
    ['the rows it matches', { event: alert }, { rows: ['page', 'archive'] }],
    ['what it must not match', { event: alert }, { not: { to: ['cmdb'], rows: ['count'] } }],
    ['a part of a text’s JSON', { body }, { messages: { events: { value: { data: { cluster: { id: 'c-1' } } } } } }],
    ['a text to its last letter', { event: alert }, { messages: { ops: { text: '*critical* alert\non prod-1' } } }],
    [
      'topic, key and headers',
      { event: alert },
      { messages: { events: { topic: 'castai.alert', key: 'c-1', headers: { 'castbridge-type': 'alert' } } } },
    ],
    ['a key that is not given', { event: { type: 'alert' } }, { messages: { events: { key: null } } }],
    [
      'the time it was received',
      { event: alert, receivedAt: '2026-01-12T09:24:07Z' },
      { messages: { events: { headers: { 'castbridge-received-at': '2026-01-12T09:24:07.000Z' } } } },
    ],
    [
      'ids of deliveries, which are the same each time',
      { event: alert },
      { messages: { events: { headers: { 'castbridge-delivery-id': 'test.0' } } } },
    ],
    ['a sink that two rows owe', { event: { type: 'twice' } }, ['ops', 'ops']],
    ['nothing, where no row matches', { event: { type: 'none' } }, []],
    ['unrouted', { event: { type: 'none' } }, { to: [], reason: 'unrouted' }],
    ['undecodable', { body: '{"id":' }, { reason: 'undecodable' }],
    ['an id that is missing', { body: { type: 'alert' } }, { to: [], reason: 'missing_id' }],
    ['an id that is made of the body', { source: 'hashed', body: { type: 'alert' } }, ['events']],
    ['a condition that cannot be evaluated', { event: { type: 'counted', data: {} } }, { to: [], reason: 'route_error' }],
    ['a message that cannot be rendered', { event: { type: 'placed', data: { path: '..' } } }, { to: ['cmdb', 'screen'], reason: 'render_error' }],
    [
      'a topic that is not allowed',
      { event: { type: 'other' } },
      { messages: { events: { refused: 'topic_not_allowed: "castai.other" is not in `topics`' } } },
    ],
  ])('%s', (_what, given, expected) => {
    expect(saidOf(given, expected)).toEqual([]);
  });
});

describe('a test that fails says what is otherwise, and why', () => {
  it.each<[string, object, unknown, string[]]>([
    [
      'a sink that is owed nothing: by the first condition that failed',
      quiet,
      ['events', 'ops'],
      [
        'expect.to: expected [events, ops], and it is owed to [events]',
        '  row page: no: where `event.cluster.name == "prod-1"`, and event.cluster.name is "dev-1"',
        '  row late: no: type `placed`, and event.type is "alert"',
        '  row twice: no: type `twice`, and event.type is "alert"',
        '  row twice-again: no: type `twice`, and event.type is "alert"',
      ],
    ],
    [
      'a sink too many',
      { event: alert },
      ['events'],
      ['expect.to: expected [events], and it is owed to [events, ops]', '  ops: owed by the row page'],
    ],
    [
      'a sink that is owed twice',
      { event: { type: 'twice' } },
      ['ops'],
      ['expect.to: expected [ops], and it is owed to [ops, ops]', '  ops: owed by the row twice', '  ops: owed by the row twice-again'],
    ],
    [
      'a row behind one that stops',
      { event: { type: 'placed', data: { path: 'a' } } },
      { rows: ['placed', 'late'] },
      ['expect.rows: expected the rows [placed, late], and [placed] matched', '  row late: not looked at: "placed" above it matched and stops'],
    ],
    [
      'a sink that must not be',
      { event: alert },
      { not: { to: ['ops'] } },
      ['expect.not.to: it must not go to ops, and the row page sends it there'],
    ],
    ['a row that must not be', { event: alert }, { not: { rows: ['page'] } }, ['expect.not.rows: the row page must not match, and it does']],
    [
      'a text, line by line',
      { event: alert },
      { messages: { ops: { text: '*critical* alert\non prod-2' } } },
      ['expect.messages.ops.text: the message differs', '  from line 2 on:', '  - on prod-2', '  + on prod-1'],
    ],
    [
      'a line end that YAML put at the end',
      { event: alert },
      { messages: { ops: { text: '*critical* alert\non prod-1\n' } } },
      [
        'expect.messages.ops.text: the message differs',
        '  they differ only at the end',
        '  - "al* alert\\non prod-1\\n" (YAML: `|` keeps the last line end, `|-` does not)',
        '  + "cal* alert\\non prod-1"',
      ],
    ],
    [
      'a part that is not sent',
      { event: alert },
      { messages: { events: { headers: { nope: 'x' } } } },
      ['expect.messages.events.headers.nope: the message differs', '  expected "x"', '  sent     nothing of that name'],
    ],
    ['a message that is not owed', quiet, { messages: { ops: { text: 'x' } } }, ['expect.messages.ops: there is no message to ops']],
    ['a reason that there is not', { event: alert }, { reason: 'unrouted' }, ['expect.reason: expected a dead letter `unrouted`, and there is none']],
    [
      'a body that cannot be read',
      { body: { id: 7, type: 'alert' } },
      [],
      ['expect: no event can be made of the body: "id" is not a string (undecodable)'],
    ],
    [
      'a message of a body that cannot be read',
      { body: { id: 7, type: 'alert' } },
      { reason: 'undecodable', messages: { events: { topic: 'castai' } } },
      ['expect: nothing matches where no event can be made of the body: "id" is not a string (undecodable)'],
    ],
    [
      'a message that its sink would refuse, though all else is right',
      { event: { type: 'other' } },
      ['events'],
      ['expect: archive → events: it would not be sent: topic_not_allowed: "castai.other" is not in `topics`'],
    ],
    [
      'a message that cannot be rendered',
      { event: { type: 'placed', data: { path: '..' } } },
      ['cmdb', 'screen'],
      ['expect: placed → cmdb: render_error: the path of the URL holds "." or "..", which would lead elsewhere'],
    ],
  ])('%s', (_what, given, expected, said) => {
    expect(saidOf(given, expected)).toEqual(said);
  });

  it('a condition that cannot be evaluated is named with what it saw', () => {
    const said = saidOf({ event: { type: 'counted', data: {} } }, []);
    expect(said[0]).toMatch(/^expect: count: route_error: /);
    expect(said[1]).toMatch(/where `event\.data\.count > 3`, and event\.data\.count is missing$/);
  });
});

it('rows that no event of the tests matched are named, in their order', () => {
  const { ok, uncovered } = runOf(testOf({ event: alert }, ['events', 'ops']), testOf({ event: { type: 'twice' } }, ['ops', 'ops']));
  expect([ok, uncovered]).toEqual([true, ['count', 'placed', 'late']]);
});
