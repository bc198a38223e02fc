import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, MAIN, until } from '../e2e/serve.js';
import { directory } from '../stores/sqlite-rig.js';

/** The built bridge with a source that verifies nothing; its log is read only where that is said. */
async function serving(options: { readLog: boolean; stderr?: number }) {
  const folder = directory();
  const [port, operations] = [await freePort(), await freePort()];
  const config = join(folder, 'bridge.yaml');
  writeFileSync(
    config,
    `
server: { host: 127.0.0.1, port: ${port} }
operations: { port: ${operations} }
storage: { path: ${folder}/bridge.db }
sources: { open: { path: /w, verify: { type: none }, format: castai-event } }
sinks: { out: { type: console } }
routes: [{ to: [out] }]
`,
  );
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: ['ignore', 'ignore', options.stderr ?? 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log = { text: '' };
  if (options.readLog) child.stderr?.on('data', (chunk) => (log.text += String(chunk)));
  await until(() =>
    fetch(`http://127.0.0.1:${operations}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ),
  );
  const post = (id: string) => fetch(`http://127.0.0.1:${port}/w`, { method: 'POST', body: JSON.stringify({ id, type: 'test' }) });
  return { child, log, post };
}

describe('serve', () => {
  it('warns of a source that verifies nothing, and ends in order at SIGINT', async () => {
    const { child, log } = await serving({ readLog: true });
    const exited = once(child, 'close');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect(log.text).toContain('sources.open.verify: anybody who reaches this path can post events');
    expect(log.text).toContain('"msg":"stopped"');
  });

  it.runIf(existsSync('/dev/full'))('goes on, and ends in order, when its log cannot be written', async () => {
    const stderr = openSync('/dev/full', 'w');
    const { child, post } = await serving({ readLog: false, stderr });
    closeSync(stderr);
    for (let n = 0; n < 100; n++) expect((await post(`evt_${n}`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('goes on when nobody reads its log', async () => {
    const { post } = await serving({ readLog: false });
    for (let n = 0; n < 1_000; n++) expect((await post(`evt_${n}`)).status).toBe(200);
  });
});
