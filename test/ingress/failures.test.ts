import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/core/store.js';
import type { Telemetry } from '../../src/core/telemetry.js';
import { castaiEvent } from '../../src/sources/format/castai-event.js';
import type { IngressDependencies } from '../../src/ingress/ingress.js';
import { envelope, noConnections, post, rawConnection, source, startIngress, wire } from './harness.js';

describe('T01: while the store cannot write', () => {
  it('every event is answered 503 with Retry-After, none is accepted, and it heals by itself', async () => {
    const { port, store, facts, handedOver } = await startIngress();
    store.failure = new StoreUnavailable('the disk is full');
    for (const body of [envelope('1'), envelope('2'), Buffer.from('unreadable'), Buffer.from('{"type":"no id"}')]) {
      const answer = await post(port, body);
      expect(answer).toMatchObject({ status: 503, text: '{"error":"The event could not be stored; send it again"}' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(handedOver).toEqual([]);
    expect(facts.filter((fact) => fact.kind === 'accepted')).toEqual([]);
    expect(facts).toContainEqual({ kind: 'refused', source: 'castai', reason: 'store_unavailable', status: 503, detail: 'the disk is full' });

    store.failure = null;
    expect((await post(port, envelope('1'))).text).toBe('{"received":true}');
    expect(handedOver).toHaveLength(1);
  });

  it('no answer is given before the store has said that the event is safe', async () => {
    const { port, store } = await startIngress();
    let open: () => void = () => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    let answered = false;
    const answer = post(port, envelope('1')).then((whole) => {
      answered = true;
      return whole;
    });
    await expect.poll(() => store.calls).toBe(1);
    // Another request's round trip: had the first been answered at once, it would be here by now.
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect(answered).toBe(false);
    open();
    expect((await answer).status).toBe(200);
  });
});

describe('T53: our own fault', () => {
  const bug = (): never => {
    throw new Error('a bug with a canary');
  };
  const canary = () => Promise.reject(new Error('a bug with a canary'));
  const bugs: Record<string, Partial<IngressDependencies>> = {
    'in the routing': { route: bug },
    'in a verifier': { sources: [source({ verify: bug })] },
    'in a format': { sources: [source({ format: { ...castaiEvent.bare, decode: bug } })] },
    'in the store': { store: { accept: canary, acceptTogether: canary } },
    'in the clock': { nowMs: bug },
    'in the telemetry': { telemetry: new Proxy({} as Telemetry, { get: () => bug }) },
    'that is no Error': {
      route: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a library may do
        throw 'a canary';
      },
    },
  };

  it.each(Object.keys(bugs))('%s is answered 503, with Retry-After and without a word of it', async (where) => {
    const { port, logged, facts } = await startIngress(bugs[where]);
    const answer = await post(port, envelope('1'));
    expect(answer).toMatchObject({ status: 503, text: '{"error":"The event could not be handled; send it again"}' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(logged).toHaveLength(1);
    if (where !== 'in the telemetry') expect(facts).toContainEqual(expect.objectContaining({ kind: 'refused', reason: 'internal', status: 503 }));
  });

  it('after the event is safe does not take back its 200', async () => {
    const { port, logged, store } = await startIngress({ onStored: bug });
    expect(await post(port, envelope('1'))).toMatchObject({ status: 200, text: '{"received":true}' });
    await expect.poll(() => logged).toMatchObject([{ source: 'castai', uid: 'uid-1' }]);
    expect(store.stored).toHaveLength(1);
  });
});

describe('T24: a sender that hangs up', () => {
  const length = wire(envelope('evt_000')).length;
  // Every seventh byte, and the last ones: the request line, the headers, the body.
  const cuts = [...Array(Math.floor(length / 7)).keys()].map((step) => step * 7).concat(length - 1, length);

  it('at any point, and sends again, is one event', async () => {
    const harness = await startIngress();
    for (const cut of cuts) {
      const id = `evt_${String(cut).padStart(3, '0')}`;
      const { socket } = await rawConnection(harness.port);
      socket.write(wire(envelope(id)).subarray(0, cut), () => socket.destroy());
      await noConnections(harness);
      expect(harness.store.stored.filter((arrival) => arrival.id === id).length, `cut at ${cut} of ${length}`).toBeLessThanOrEqual(
        cut === length ? 1 : 0,
      );
      expect((await post(harness.port, envelope(id), { connection: 'close' })).status).toBe(200);
      expect(harness.store.stored.filter((arrival) => arrival.id === id)).toHaveLength(1);
    }
    expect(harness.logged).toEqual([]);
    expect(harness.facts.filter((fact) => fact['reason'] === 'internal')).toEqual([]);
  });

  it('before the body is whole is no fault of ours', async () => {
    const harness = await startIngress();
    const { socket } = await rawConnection(harness.port);
    const body = envelope('1');
    socket.write(wire(body).subarray(0, -5));
    await expect.poll(() => connected(harness.ingress.server)).toBe(1);
    socket.resetAndDestroy();
    await expect.poll(() => harness.facts).toMatchObject([{ kind: 'refused', source: 'castai', reason: 'aborted' }]);
    expect(harness.store.calls).toBe(0);
    expect(harness.logged).toEqual([]);
  });

  it('while the event is being stored still has it stored, once', async () => {
    const harness = await startIngress();
    let open: () => void = () => undefined;
    harness.store.gate = new Promise((resolve) => (open = resolve));
    const { socket } = await rawConnection(harness.port);
    socket.write(wire(envelope('1')));
    await expect.poll(() => harness.store.calls).toBe(1);
    socket.resetAndDestroy();
    await noConnections(harness);
    open();
    await expect.poll(() => harness.handedOver.length).toBe(1);
    expect((await post(harness.port, envelope('1'))).text).toBe('{"received":true,"duplicate":true}');
    expect(harness.logged).toEqual([]);
  });
});

async function connected(server: { getConnections(callback: (error: Error | null, count: number) => void): unknown }): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}
