import { describe, expect, it } from 'vitest';
import type { Arrival, Posted, Row } from './ledger.js';
import { judge } from './verdict.js';

const event: Posted = { id: 'evt_1', hash: 'h1', sinks: ['a', 'b'], acknowledged: true };
const row = (sink: string, parts: Partial<Row> = {}): Row => ({
  id: `u1.${sink === 'a' ? 0 : 1}`,
  eventId: 'evt_1',
  event: 'u1',
  sink,
  state: 'delivered',
  reason: null,
  ...parts,
});
const arrival = (sink: string, parts: Partial<Arrival> = {}): Arrival => ({
  sink,
  eventId: 'evt_1',
  deliveryId: `u1.${sink === 'a' ? 0 : 1}`,
  hash: 'h1',
  ...parts,
});
const good = { posted: [event], rows: [row('a'), row('b')], arrivals: [arrival('a'), arrival('b')], mayDie: [] };

describe('the verdict', () => {
  it('is good where every delivery is accounted for', () => {
    expect(judge(good)).toEqual({ acknowledged: 1, owed: 2, delivered: 2, dead: 0, waiting: 0, lost: 0, duplicated: 0, faults: [] });
  });

  it('counts what waits, what is dead with leave, and what came twice', () => {
    const rows = [row('a', { state: 'waiting' }), row('b', { state: 'dead', reason: 'http_400' })];
    const arrivals = [arrival('a'), arrival('a')];
    expect(judge({ ...good, rows, arrivals, mayDie: ['http_400'] })).toMatchObject({ waiting: 1, dead: 1, duplicated: 1, faults: [] });
  });

  it('owes nothing for an event that was not acknowledged, but judges it where it came', () => {
    const unanswered = { ...event, acknowledged: false };
    expect(judge({ ...good, posted: [unanswered], rows: [], arrivals: [] })).toMatchObject({ acknowledged: 0, owed: 0, faults: [] });
    expect(judge({ ...good, posted: [unanswered], arrivals: [arrival('a', { hash: 'h2' }), arrival('b')] }).faults).toHaveLength(1);
  });

  it('counts what was destroyed with the store, and finds fault with nothing but that', () => {
    const rows = [row('b')];
    expect(judge({ ...good, rows, destroyed: true })).toMatchObject({ lost: 0, faults: [] });
    expect(judge({ ...good, rows, arrivals: [arrival('b')], destroyed: true })).toMatchObject({ lost: 1, faults: [] });
    expect(judge({ ...good, rows, arrivals: [arrival('b', { hash: 'h2' })], destroyed: true }).faults).toHaveLength(1);
  });

  it('takes no id for true that is of an event known to be damaged', () => {
    const rows = [row('a', { damaged: true }), row('b'), row('a', { eventId: '\ufffdvt_1', event: 'u9', id: 'u9.0', damaged: true })];
    const arrivals = [arrival('a', { deliveryId: 'u0.0' }), arrival('b')];
    expect(judge({ ...good, rows, arrivals, destroyed: true })).toMatchObject({ lost: 0, faults: [] });
    expect(judge({ ...good, rows: rows.map((one) => ({ ...one, damaged: false })), arrivals, destroyed: true }).faults).toHaveLength(2);
  });

  it.each<[string, Partial<typeof good>, RegExp]>([
    ['an event that the store does not know', { rows: [], arrivals: [] }, /^LOST/],
    ['one of two deliveries that is nowhere', { rows: [row('a')], arrivals: [arrival('a')] }, /^LOST/],
    ['a delivery that never arrived', { arrivals: [arrival('a')] }, /^delivered, says the store, but never arrived/],
    ['changed bytes', { arrivals: [arrival('a', { hash: 'h2' }), arrival('b')] }, /^changed/],
    ['an event nobody posted', { arrivals: [arrival('a'), arrival('b'), arrival('a', { eventId: 'evt_2' })] }, /^invented: a got/],
    ['an event nobody posted, in the store', { rows: [...good.rows, row('a', { eventId: 'evt_2' })] }, /^invented: the store/],
    ['a sink that is not owed it', { arrivals: [...good.arrivals, arrival('c')] }, /^astray/],
    ['another delivery id', { arrivals: [arrival('a'), arrival('b'), arrival('b', { deliveryId: 'u2.1' })] }, /^another delivery id/],
    ['an event stored twice', { rows: [...good.rows, row('a', { event: 'u2', id: 'u2.0' })] }, /^stored twice|^owed twice/],
    ['a delivery owed twice', { rows: [...good.rows, row('a', { id: 'u1.2' })] }, /^owed twice/],
    ['a dead letter without leave', { rows: [row('a', { state: 'dead', reason: 'http_500' }), row('b')] }, /^given up without need/],
    ['an arrival the store knows nothing of', { rows: [row('b')] }, /^unknown to the store/],
  ])('finds %s', (_, parts, fault) => {
    expect(judge({ ...good, ...parts }).faults).toContainEqual(expect.stringMatching(fault));
  });
});
