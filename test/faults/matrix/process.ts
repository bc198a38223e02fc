import { until } from '../../e2e/serve.js';
import { given, pause, type Fault } from '../fault.js';

const STOPS = 3;

/** kill -9 of the bridge, at every stage of its life, and its orderly end. */
export const processFaults: readonly Fault[] = [
  {
    name: 'kill -9 under load',
    part: 'process',
    async strike({ kills, crash, random }) {
      for (let kill = 0; kill < kills; kill++) {
        await pause(random() * 600);
        await crash();
      }
      return kills;
    },
  },
  {
    name: 'kill -9 while it starts',
    part: 'process',
    async strike({ kills, bridge, random, crash }) {
      for (let kill = 0; kill < kills; kill++) {
        await bridge.kill();
        bridge.spawn();
        await pause(random() * 1_200);
      }
      await crash();
      return kills + 1;
    },
  },
  {
    name: 'kill -9 while it shuts down',
    part: 'process',
    async strike({ kills, bridge, random, load, start }) {
      for (let kill = 0; kill < kills; kill++) {
        bridge.signal('SIGTERM');
        await pause(random() * 60);
        await bridge.kill();
        await start();
        await load.more(30);
      }
      return kills;
    },
  },
  killedAt('kill -9 in the place of any write or fsync', { within: 400 }),
  killedAt('kill -9 in a checkpoint', { within: 40, mainFileOnly: true }),
  {
    name: 'a power cut under load',
    part: 'process',
    needs: ['shim'],
    async strike({ kills, bridge, shim, random, load, start }) {
      for (let cut = 0; cut < kills; cut++) {
        await load.more(Math.floor(random() * 60));
        await bridge.kill();
        given(shim).powerCut(random);
        await start();
      }
      return kills;
    },
  },
  {
    name: 'SIGTERM under load',
    part: 'process',
    async strike({ bridge, random, load, start }) {
      for (let stop = 0; stop < STOPS; stop++) {
        await pause(random() * 400);
        const code = await bridge.stop();
        if (code !== 0) throw new Error(`SIGTERM ended it with ${code}: ${bridge.output.stderr.slice(-2_000)}`);
        await start();
        await load.more(30);
      }
      return STOPS;
    },
  },
  {
    name: 'the process stopped for 3 s (SIGSTOP)',
    part: 'process',
    async strike({ bridge }) {
      bridge.signal('SIGSTOP');
      await pause(3_000);
      bridge.signal('SIGCONT');
      return 1;
    },
  },
  {
    name: 'a second bridge started on the same file',
    part: 'process',
    async strike({ bridge }) {
      const second = await bridge.run('serve');
      if (second.code !== 1 || !/in use by another castbridge/.test(second.err)) throw new Error(`the second bridge: ${second.code} ${second.err}`);
      return 1;
    },
  },
];

/** The process is killed by the shim in the place of one of its next `within` changes of the files; every change is a place where it can be hit. */
function killedAt(name: string, { within, mainFileOnly = false }: { within: number; mainFileOnly?: boolean }): Fault {
  return {
    name,
    part: 'process',
    needs: ['shim'],
    async strike({ kills, bridge, shim, random, start }) {
      for (let kill = 0; kill < kills; kill++) {
        given(shim).killIn(1 + Math.floor(random() * within), { mainFileOnly });
        await until(() => bridge.ended() !== null);
        await start();
      }
      return kills;
    },
  };
}
