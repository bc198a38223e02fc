import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../e2e/serve.js';
import type { HttpReceiver } from '../receivers/http-receiver.js';
import { openStore } from '../stores/sqlite-rig.js';
import { aWholeRoundTrip, arrived, closedGate, http, receiver, running, type Running } from './rig.js';

const both = [{ to: ['out', 'other'] }];
const without = (other: HttpReceiver) => ({ sinks: { other: http(other) }, routes: [{ to: ['other'] }] });

describe('a reload that leaves a sink alone', () => {
  it('keeps its lane: what holds it, whatever the order of its keys', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    out.otherwise({ status: 429, headers: { 'retry-after': '3000' } });
    await run.post('evt_1');
    await until(async () => (await run.operations('/metrics')).includes('castbridge_sink_held{sink="out"} 1'));
    const reordered = Object.fromEntries(Object.entries(http(out)).reverse());
    expect(run.reload({ sinks: { other: http(other, { concurrency: 3 }), out: reordered }, routes: both })).toMatchObject({
      ok: true,
      changes: { sinks: { added: [], removed: [], changed: ['other'] }, sources: 1, routes: 1 },
    });
    await aWholeRoundTrip(run, other);
    expect(arrived(out)).toEqual(['evt_1']);
    expect(await run.operations('/metrics')).toContain('castbridge_sink_held{sink="out"} 1');
  });

  it('keeps what it is sending and what waits in it: everything arrives once', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out, { concurrency: 1 }), other: http(other) }, routes: both });
    out.otherwise('hold');
    for (const id of ['evt_1', 'evt_2', 'evt_3']) await run.post(id);
    await until(() => out.received.length === 1);
    expect(run.reload({ sinks: { out: http(out, { concurrency: 1 }) }, routes: [{ to: ['out'] }] })).toMatchObject({ ok: true });
    out.otherwise({ status: 200 });
    out.release();
    await until(() => out.received.length === 3);
    await aWholeRoundTrip(run, out);
    expect(arrived(out).slice(0, 3)).toEqual(['evt_1', 'evt_2', 'evt_3']);
    expect(out.received).toHaveLength(4);
  });
});

describe('a reload that changes a sink', () => {
  it('T20, T22: sends by the new lane only when the old one has let go, and each once', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out, { concurrency: 1 }), other: http(other) }, routes: both });
    out.otherwise('hold');
    await run.post('evt_sending');
    await run.post('evt_queued');
    await until(() => out.received.length === 1);
    run.reload({ sinks: { out: http(out, { concurrency: 8 }), other: http(other) }, routes: both });
    await run.post('evt_fresh');
    await aWholeRoundTrip(run, other);
    expect(arrived(out)).toEqual(['evt_sending']);
    out.otherwise({ status: 200 });
    out.release();
    await until(() => out.received.length === 4);
    await aWholeRoundTrip(run, out);
    expect(new Set(arrived(out)).size).toBe(out.received.length);
    expect(await run.states('evt_sending')).toEqual(['out delivered', 'other delivered']);
  });

  it('T26: a lane that hangs is cut short after the grace time, and holds up neither the ingress nor another sink', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    out.otherwise('hang');
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    const mended = await receiver();
    run.reload({ shutdown: { grace: '1s' }, sinks: { out: http(mended), other: http(other, { timeout: '5s' }) }, routes: both });
    await aWholeRoundTrip(run, other);
    expect(mended.received).toHaveLength(0);
    await until(() => mended.received.length === 2);
    expect(new Set(arrived(mended)).size).toBe(2);
    // The attempt that was cut short does not count.
    await until(async () => (await run.states('evt_1'))[0] === 'out delivered');
    expect(await run.operations('/api/events/evt_1')).toContain('"attempts":1');
  });

  it('again, and again while the first lane still sends: only the last one of them sends after it', async () => {
    const out = await receiver();
    const other = await receiver();
    const sinks = (concurrency: number) => ({ out: http(out, { concurrency }), other: http(other) });
    const run = await running({ sinks: sinks(1), routes: both });
    out.otherwise('hold');
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    for (const concurrency of [2, 3, 4]) run.reload({ sinks: sinks(concurrency), routes: both });
    await aWholeRoundTrip(run, other);
    expect(out.received).toHaveLength(1);
    out.otherwise({ status: 200 });
    out.release();
    await until(() => out.received.length === 2);
    await aWholeRoundTrip(run, out);
    expect(new Set(arrived(out)).size).toBe(out.received.length);
  });

  it('T14: an event that was routed before, and is committed after it, goes the new way', async () => {
    const [out, mended] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out) }, routes: [{ to: ['out'] }] });
    const { gate, open } = closedGate();
    run.gates.accept = gate;
    const posted = run.post('evt_1');
    await until(() => run.calls.accept.called === 1);
    run.reload({ sinks: { out: http(mended) }, routes: [{ to: ['out'] }] });
    open();
    expect(await posted).toBe(200);
    await until(() => mended.received.length === 1);
    expect(out.received).toHaveLength(0);
  });

  it('T19: stopped meanwhile: what the old lane is sending may end, and is written down', async () => {
    const out = await receiver();
    const run = await running({ sinks: { out: http(out) }, routes: [{ to: ['out'] }] });
    out.otherwise('hold');
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    run.reload({ sinks: { out: http(out, { concurrency: 3 }) }, routes: [{ to: ['out'] }] });
    const stopped = run.bridge.stop();
    const refused = () =>
      run.post('evt_late').then(
        () => false,
        () => true,
      );
    await until(refused);
    out.release();
    await stopped;
    const store = await openStore(join(run.folder, 'bridge.db'));
    const [story] = await store.stories('evt_1');
    await store.close();
    expect(story?.deliveries.map(({ state }) => state)).toEqual(['delivered']);
  });

  it('T47: hides the secrets of both, while the old one still sends', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const sinks = (secret: string) => ({ out: http(out, { headers: { 'x-token': `\${${secret}}` } }), other: http(other) });
    const env = { OLD: 'an-old-secret-0123', NEW: 'a-new-secret-4567' };
    const run = await running({ sinks: sinks('OLD'), routes: both }, env);
    out.otherwise('hold');
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    run.reload({ sinks: sinks('NEW'), routes: both });
    out.otherwise('echo');
    out.release('echo');
    await run.post('evt_2');
    await until(async () => (await run.states('evt_1'))[0] === 'out dead http_400' && (await run.states('evt_2'))[0] === 'out dead http_400');
    const shown = (await run.operations('/api/events/evt_1')) + (await run.operations('/api/events/evt_2')) + JSON.stringify(run.lines);
    expect(shown.match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(4);
    for (const secret of Object.values(env)) expect(shown).not.toContain(secret);
  });
});

describe('a reload that removes a sink (T14)', () => {
  it('lets end what it is sending, and makes dead letters of the rest', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out, { concurrency: 1 }), other: http(other) }, routes: both });
    out.otherwise('hold');
    await run.post('evt_sending');
    await run.post('evt_queued');
    await until(() => out.received.length === 1);
    expect(run.reload(without(other))).toMatchObject({ changes: { sinks: { added: [], removed: ['out'], changed: [] } } });
    // Orphans are looked for meanwhile: what is being sent is none.
    const { ended } = run.calls.killOrphans;
    run.recover();
    await until(() => run.calls.killOrphans.ended > ended);
    expect((await run.states('evt_sending'))[0]).toBe('out waiting');
    out.release();
    await until(async () => (await run.states('evt_queued'))[0] === 'out dead sink_removed');
    expect((await run.states('evt_sending'))[0]).toBe('out delivered');
    expect(arrived(out)).toEqual(['evt_sending']);
    expect(run.lines).toContainEqual(
      expect.objectContaining({ level: 'error', deliveries: 1, msg: expect.stringContaining('sink_removed') as string }),
    );
    expect(await run.operations('/metrics')).toContain('castbridge_deliveries_total{sink="",state="dead",reason="sink_removed"} 1');
  });

  it('an event that was routed before, and is committed after it, waits for nobody', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    const { gate, open } = closedGate();
    run.gates.accept = gate;
    const posted = run.post('evt_1');
    await until(() => run.calls.accept.called === 1);
    const { ended } = run.calls.killOrphans;
    run.reload(without(other));
    await until(() => run.calls.killOrphans.ended > ended);
    open();
    expect(await posted).toBe(200);
    await until(async () => (await run.states('evt_1')).includes('out dead sink_removed'));
    await until(async () => (await run.states('evt_1')).includes('other delivered'));
    expect(out.received).toHaveLength(0);
  });

  it('a replay that was let through before it waits for nobody', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    out.otherwise({ status: 400 });
    await run.post('evt_1');
    await until(async () => (await run.states('evt_1')).includes('out dead http_400'));
    const { gate, open } = closedGate();
    run.gates.replay = gate;
    const replayed = replay(run, 'evt_1');
    await until(() => run.calls.replay.called === 1);
    const { ended } = run.calls.killOrphans;
    run.reload(without(other));
    await until(() => run.calls.killOrphans.ended > ended);
    open();
    expect(await replayed).toContain('"replayed":1');
    await until(async () => (await run.states('evt_1')).includes('out dead sink_removed'));
  });

  it('after a commit whose answer was lost, too', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    const { gate, open } = closedGate();
    run.gates.accept = gate;
    run.gates.answersLost = true;
    const posted = run.post('evt_1');
    await until(() => run.calls.accept.called === 1);
    const { ended } = run.calls.killOrphans;
    run.reload(without(other));
    await until(() => run.calls.killOrphans.ended > ended);
    open();
    expect(await posted).toBe(503);
    expect(await run.states('evt_1')).toEqual(['out waiting', 'other waiting']);
    run.recover();
    await until(async () => (await run.states('evt_1')).includes('out dead sink_removed'));
    await until(async () => (await run.states('evt_1')).includes('other delivered'));
  });

  it('leaves neither its metrics nor its troubles behind', async () => {
    const [held, unreadable, other] = [await receiver(), await receiver(), await receiver()];
    const sinks = { held: http(held), unreadable: http(unreadable), other: http(other) };
    const run = await running({ sinks, routes: [{ to: ['held', 'unreadable', 'other'] }] });
    held.otherwise({ status: 429, headers: { 'retry-after': '3000' } });
    await run.post('evt_1');
    await until(async () => (await run.operations('/metrics')).includes('castbridge_sink_held{sink="held"} 1'));
    run.gates.unreadable = true;
    run.recover();
    await until(async () => (await run.operations('/readyz')).includes('sink \\"unreadable\\" cannot be read'));
    run.reload(without(other));
    await until(async () => !(await run.operations('/readyz')).includes('unreadable'));
    await until(async () => !/castbridge_sink_\w+\{sink="(held|unreadable)"\}/.test(await run.operations('/metrics')));
    run.gates.unreadable = false;
    await until(async () => (await run.operations('/readyz')).includes('"ready":true'));
  });
});

describe('a reload that adds a sink', () => {
  it('delivers to it at once', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running(without(other));
    expect(run.reload({ sinks: { out: http(out), other: http(other) }, routes: both })).toMatchObject({ changes: { sinks: { added: ['out'] } } });
    await run.post('evt_1');
    await until(() => arrived(out).includes('evt_1') && arrived(other).includes('evt_1'));
  });

  it('T14: that was there before: its dead letters can be replayed, and are delivered once', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out), other: http(other) }, routes: both });
    out.script({ status: 503, headers: { 'retry-after': '3000' } });
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    run.reload(without(other));
    await until(async () => (await run.states('evt_1')).includes('out dead sink_removed'));
    expect(await replay(run, 'evt_1')).toContain('the sink \\"out\\" is not configured any more');
    run.reload({ sinks: { out: http(out), other: http(other) }, routes: both });
    expect(await replay(run, 'evt_1')).toContain('"replayed":1');
    await until(async () => (await run.states('evt_1')).includes('out delivered'));
    expect(arrived(out)).toEqual(['evt_1', 'evt_1']);
  });

  it('T22: that was removed a moment before: it is told nothing that is made a dead letter at this moment', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const withOut = {
      sinks: { out: http(out, { concurrency: 1 }), other: http(other) },
      routes: [{ match: { type: 'out' }, to: ['out'] }, { to: ['other'] }],
    };
    const run = await running(withOut);
    out.otherwise('hold');
    await run.post('evt_sending', { type: 'out' });
    await run.post('evt_queued', { type: 'out' });
    await until(() => out.received.length === 1);
    const { gate, open } = closedGate();
    run.gates.killOrphans = gate;
    const { called } = run.calls.killOrphans;
    run.reload(without(other));
    out.otherwise({ status: 200 });
    out.release();
    await until(() => run.calls.killOrphans.called > called);
    run.reload(withOut);
    await aWholeRoundTrip(run, other);
    expect(arrived(out)).toEqual(['evt_sending']);
    open();
    await until(async () => (await run.states('evt_queued')).includes('out dead sink_removed'));
    await run.post('evt_fresh', { type: 'out' });
    await until(() => out.received.length === 2);
    expect(arrived(out)).toEqual(['evt_sending', 'evt_fresh']);
  });

  it('that was removed a moment before, and still sends: what waits is sent, by one lane at a time', async () => {
    const [out, other] = [await receiver(), await receiver()];
    const run = await running({ sinks: { out: http(out, { concurrency: 1 }), other: http(other) }, routes: both });
    out.otherwise('hold');
    await run.post('evt_1');
    await run.post('evt_2');
    await until(() => out.received.length === 1);
    run.reload(without(other));
    run.reload({ sinks: { out: http(out), other: http(other) }, routes: both });
    await aWholeRoundTrip(run, other);
    expect(arrived(out)).toEqual(['evt_1']);
    out.otherwise({ status: 200 });
    out.release();
    await until(() => out.received.length === 3);
    await aWholeRoundTrip(run, out);
    expect(new Set(arrived(out)).size).toBe(out.received.length);
  });
});

function replay(run: Running, id: string): Promise<string> {
  return run.operations('/api/replay', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ids: [id] }) });
}
