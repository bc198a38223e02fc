import { describe, expect, it } from 'vitest';
import { readEvent } from '../../src/trial/event.js';
import { explainEvent } from '../../src/trial/explain.js';
import { wordsOf } from '../../src/trial/words.js';
import { configured } from './tables.js';

const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);

function explained(body: object | Buffer, more = '') {
  const config = configured(more);
  const [source] = config.sources;
  if (source === undefined) throw new Error('there is no source');
  return explainEvent(
    config,
    readEvent(source, { body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)), headers: {}, receivedMs: NOW_MS }),
    'explained',
  );
}

/** Rows with what they make of an event, in words. */
function rowsOf(body: object): string[] {
  return explained(body).rows.map(({ row, verdict }) => `${row}: ${wordsOf(verdict)}`);
}

describe('an explanation', () => {
  it('says of every row why it matches or does not', () => {
    expect(rowsOf({ id: 'e1', type: 'placed', data: { severity: 'critical', path: 'a', cluster: { name: 'dev-1' } } })).toEqual([
      'archive: no: type `known, alert, other`, and event.type is "placed"',
      'page: no: where `event.cluster.name == "prod-1"`, and event.cluster.name is "dev-1"',
      'count: no: type `counted`, and event.type is "placed"',
      'placed: yes, and it stops: no row below is looked at',
      'late: not looked at: "placed" above it matched and stops',
      'twice: not looked at: "placed" above it matched and stops',
      'twice-again: not looked at: "placed" above it matched and stops',
    ]);
    expect(rowsOf({ id: 'e1', type: 'counted', data: {} })[2]).toMatch(
      /^count: its condition cannot be evaluated: .+: where `event\.data\.count > 3`, and event\.data\.count is missing$/,
    );
  });

  it('holds the message of each delivery, by the row that owes it', () => {
    const { deliveries, ok, event } = explained({ id: 'e1', type: 'placed', data: { path: 'a b' } });
    expect(event).toMatchObject({ id: 'e1', type: 'placed', receivedAt: '2026-01-12T09:24:07.000Z' });
    expect(deliveries).toMatchObject([
      { route: 'placed', sink: 'cmdb', type: 'http', message: { method: 'POST', url: 'https://cmdb.internal/a%20b' } },
      { route: 'placed', sink: 'screen', type: 'console', message: { line: expect.stringContaining('"deliveryId":"explained.1"') as string } },
    ]);
    expect(ok).toBe(true);
  });

  it('shows a body that is no text as base64', () => {
    const bytes = Buffer.concat([Buffer.from('{"id":"e1","type":"known"}'), Buffer.from('\n')]);
    expect(explained(bytes).deliveries).toMatchObject([{ message: { value: '{"id":"e1","type":"known"}\n' } }]);
  });

  it('of what goes to `otherwise` says so', () => {
    const { deliveries, ok } = explained({ id: 'e1', type: 'nobody’s' }, 'otherwise: { to: [screen] }\n');
    expect(deliveries).toMatchObject([{ kind: 'message', route: 'otherwise', sink: 'screen' }]);
    expect(ok).toBe(true);
  });

  it.each<[string, object | Buffer, object]>([
    ['no row matches', { id: 'e1', type: 'nobody’s' }, { deliveries: [{ kind: 'dead', reason: 'unrouted' }] }],
    [
      'a message cannot be rendered',
      { id: 'e1', type: 'placed', data: { path: '..' } },
      { deliveries: [{ reason: 'render_error' }, { sink: 'screen' }] },
    ],
    ['a sink would refuse it', { id: 'e1', type: 'other' }, { deliveries: [{ message: { refused: expect.any(String) as string } }] }],
    [
      'a condition cannot be evaluated',
      { id: 'e1', type: 'counted', data: {} },
      { deliveries: [{ kind: 'dead', route: 'count', reason: 'route_error' }] },
    ],
    ['the body is no event', Buffer.from('{'), { event: null, rows: [], unreadable: { reason: 'undecodable' } }],
    [
      'the body has no id',
      { type: 'known' },
      { event: null, unreadable: { reason: 'missing_id', detail: 'the id of the event is missing or empty' } },
    ],
  ])('is a no where %s', (_what, body, said) => {
    expect(explained(body)).toMatchObject({ ok: false, ...said });
  });
});
