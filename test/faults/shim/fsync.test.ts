import { expect, it } from 'vitest';
import { until } from '../../e2e/serve.js';
import { randomFrom } from '../../stores/sqlite-rig.js';
import { cutPower, lost, shimmedBridge, undelivered } from './rig.js';
import type { Shim } from './shim.js';
import { describeShimmed } from './suite.js';

const SEED = Number(process.env['CASTBRIDGE_SEED'] ?? 7);

describeShimmed('a disk whose fsync fails', () => {
  it.each([
    ['fsync fails', (shim: Shim) => shim.failSyncs('EIO')],
    ['the disk is full', (shim: Shim) => shim.failWrites('ENOSPC', { short: true })],
  ])('T01, T11: while %s, posts are answered 503 and readiness is red; then it recovers by itself', async (_, fail) => {
    const { bridge, shim, load } = await shimmedBridge();
    const ready = async () => {
      const answer = await fetch(`${bridge.operations}/readyz`);
      return { status: answer.status, text: await answer.text() };
    };
    await bridge.start();
    expect(await load.post('evt_before')).toBe(200);

    fail(shim);
    const ids = Array.from({ length: 64 }, (__, n) => `evt_refused_${n}`);
    expect(new Set(await Promise.all(ids.map((id) => load.post(id))))).toEqual(new Set([503]));
    await until(async () => (await ready()).status === 503);
    expect((await ready()).text).toContain('the store does not work: ');

    shim.heal();
    await until(async () => (await load.post('evt_after')) === 200);
    await cutPower(bridge, shim, () => 0);
    await bridge.start();
    await until(async () => (await ready()).status === 200);
    expect(await lost(bridge, load)).toEqual([]);
    // What was refused is not taken for a duplicate when its sender tries again.
    for (const id of ids) expect(await load.post(id)).toBe(200);
    expect(await lost(bridge, load)).toEqual([]);
  });

  it(`T01: what a failed fsync dropped is not acknowledged by the next one, over and over under load (CASTBRIDGE_SEED=${SEED})`, async () => {
    const random = randomFrom(SEED);
    const { bridge, shim, receiver, load } = await shimmedBridge();
    await bridge.start();
    for (let cut = 0; cut < 2; cut++) {
      const running = load.begin();
      for (let fault = 0; fault < 10; fault++) {
        const { syncsFailed } = shim.seen;
        const acknowledged = load.acknowledged.size;
        shim.failSyncs('EIO', 1 + Math.floor(random() * 3));
        await until(() => shim.seen.syncsFailed > syncsFailed && load.acknowledged.size > acknowledged);
      }
      await cutPower(bridge, shim, random);
      await running.end();
      shim.heal();
      await bridge.start();
      expect(await lost(bridge, load), `after cut ${cut + 1}`).toEqual([]);
    }
    expect(load.answers.get(503)).toBeGreaterThan(0);
    expect(await undelivered(bridge, load, receiver)).toEqual([]);
  });
});
