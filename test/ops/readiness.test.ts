import { expect, it } from 'vitest';
import { createReadiness } from '../../src/ops/readiness.js';

it('a paused sink is a note of /readyz until it goes on, or is gone: the bridge itself is ready', async () => {
  const { on, ask, facts } = createReadiness(() => 0);
  on({ probe: () => Promise.resolve() });
  for (const over of ['laneResumed', 'laneEnded'] as const) {
    facts.lanePaused({ sink: 'cmdb', cause: 'http_410', forMs: 1 });
    expect(await ask()).toEqual({
      ready: true,
      reasons: [],
      notes: ['the sink "cmdb" is paused (http_410): its far side wants nothing any more; what waits for it is kept'],
    });
    facts[over]({ sink: 'cmdb' });
    expect((await ask()).notes).toEqual([]);
  }
});
