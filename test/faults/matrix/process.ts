import { pause, type Fault } from '../fault.js';

const KILLS = 5;
const STOPS = 3;

/** kill -9 of the bridge, at every stage of its life, and its orderly end. */
export const processFaults: readonly Fault[] = [
  {
    name: 'kill -9 under load',
    part: 'process',
    async strike({ crash, random }) {
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(random() * 600);
        await crash();
      }
      return KILLS;
    },
  },
  {
    name: 'kill -9 while it starts',
    part: 'process',
    async strike({ bridge, random, crash }) {
      for (let kill = 0; kill < KILLS; kill++) {
        await bridge.kill();
        bridge.spawn();
        await pause(random() * 1_200);
      }
      await crash();
      return KILLS + 1;
    },
  },
  {
    name: 'kill -9 while it shuts down',
    part: 'process',
    async strike({ bridge, random, load, start }) {
      for (let kill = 0; kill < KILLS; kill++) {
        bridge.signal('SIGTERM');
        await pause(random() * 60);
        await bridge.kill();
        await start();
        await load.more(30);
      }
      return KILLS;
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
    name: 'the process frozen for 3 s',
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
