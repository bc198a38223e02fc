import { expect, it } from 'vitest';
import { until } from '../../e2e/serve.js';
import { shimmedBridge, undelivered } from './rig.js';
import { describeShimmed } from './suite.js';

const HOUR = 3_600_000;

describeShimmed('a wall clock that jumps', () => {
  it.each([
    ['ahead', HOUR, 's old; is a clock wrong'],
    ['back', -HOUR, 's in the future; is a clock wrong?'],
  ])('T12: %s by an hour, and right again, under load and while retries wait: nothing is lost, stuck or given up', async (_, shiftMs, refusal) => {
    const { bridge, shim, receiver, load } = await shimmedBridge('{ initial: 200ms, max: 500ms, attempts: 1000, maxAge: 6h }');
    receiver.otherwise({ status: 503 });
    await bridge.start();
    const running = load.begin();
    await until(() => load.acknowledged.size >= 100);
    shim.shiftClock(shiftMs);
    // Whose clock is right cannot be known here. Senders try again, and the log says what to look at.
    await until(() => (load.answers.get(401) ?? 0) >= 100);
    await running.end();
    expect(bridge.output.stderr).toContain(refusal);
    expect(await load.post('evt_agreeing', shiftMs)).toBe(200);

    receiver.otherwise({ status: 200 });
    expect(await undelivered(bridge, load, receiver)).toEqual([]);
    receiver.otherwise({ status: 503 });
    expect(await load.post('evt_waiting', shiftMs)).toBe(200);
    await until(() => receiver.received.at(-1)?.headers['castbridge-event-id'] === 'evt_waiting');
    shim.shiftClock(0);
    receiver.otherwise({ status: 200 });
    expect(await load.post('evt_right')).toBe(200);
    expect(await undelivered(bridge, load, receiver)).toEqual([]);
    const dead = await fetch(`${bridge.operations}/api/deliveries?state=dead`);
    expect(await dead.json()).toEqual({ deliveries: [], next: null });
  });
});
