import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../../e2e/serve.js';
import { directory, MIGRATIONS, openStore, randomFrom } from '../../stores/sqlite-rig.js';
import { cutPower, lost, shimmedBridge, undelivered } from './rig.js';
import { shimmed } from './shim.js';
import { describeShimmed } from './suite.js';

const CHILD = new URL('../../stores/child.mjs', import.meta.url).pathname;
const CUTS = 8;
const SEED = Number(process.env['CASTBRIDGE_SEED'] ?? 20_261_124);

describeShimmed('a power cut', () => {
  it(`T10: loses no acknowledged event, ${CUTS} times in a row under load (CASTBRIDGE_SEED=${SEED})`, async () => {
    const random = randomFrom(SEED);
    const { bridge, shim, receiver, load } = await shimmedBridge();
    await bridge.start();
    for (let cut = 0; cut < CUTS; cut++) {
      // Every other time the store is full of deliveries that fail and are settled again and again.
      receiver.otherwise({ status: cut % 2 === 0 ? 503 : 200 });
      const target = load.acknowledged.size + 1 + Math.floor(random() * 500);
      const running = load.begin();
      await until(() => load.acknowledged.size >= target);
      await cutPower(bridge, shim, random);
      await running.end();
      await bridge.start();
      expect(await lost(bridge, load), `after cut ${cut + 1}`).toEqual([]);
    }
    receiver.otherwise({ status: 200 });
    expect(await undelivered(bridge, load, receiver)).toEqual([]);
    expect(await load.post('evt_after')).toBe(200);
  });

  it('T10: is noticed where fsync is not: a disk that only says it has synced loses what was acknowledged', async () => {
    const { bridge, shim, load } = await shimmedBridge();
    await bridge.start();
    shim.fakeSyncs();
    expect(await load.post('evt_believed')).toBe(200);
    await cutPower(bridge, shim, () => 0);
    shim.heal();
    await bridge.start();
    expect(await lost(bridge, load)).toEqual(['evt_believed']);
  });

  it('T11: while the tables are made leaves what the next start can go on from', async () => {
    const random = randomFrom(SEED);
    for (let [syncs, ended] = [Math.floor(random() * 3), false]; !ended; syncs += 3) {
      const data = directory();
      const shim = await shimmed(data);
      onTestFinished(() => shim.cleanUp());
      shim.slowSyncs(50);
      const making = spawn(process.execPath, [CHILD, 'migrate', join(data, 'x.db'), MIGRATIONS.href], { env: { ...process.env, ...shim.env } });
      await until(() => shim.seen.syncs >= syncs || making.exitCode !== null);
      ended = making.exitCode !== null;
      if (ended) expect(making.exitCode).toBe(0);
      else if (making.kill('SIGKILL')) await once(making, 'exit');
      shim.powerCut(random);
      await (await openStore(join(data, 'x.db'))).close();
    }
  });
});
