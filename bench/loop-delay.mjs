// Loaded into the bridge by bench/reload.mjs: on SIGUSR2 it writes the longest delay of the event loop since the last one, in ms, to a file.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env.BENCH_LOOP_DELAY;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  writeFileSync(`${file}.next`, String(delay.max / 1e6));
  renameSync(`${file}.next`, file);
  delay.reset();
});
