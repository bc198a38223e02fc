import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run, served, until } from '../e2e/serve.js';
import { startHttpReceiver } from '../receivers/http-receiver.js';

const SIGHUP_BIT = 1n;

async function configured(yaml: string) {
  const bridge = await served(yaml);
  onTestFinished(() => bridge.cleanUp());
  const origin = new URL(bridge.url).origin;
  const post = async (path: string, id: string) =>
    (await fetch(`${origin}${path}`, { method: 'POST', body: JSON.stringify({ id, type: 'test' }) })).status;
  return { bridge, post };
}

const open = (path: string, sinks = '{ out: { type: console } }', more = '') => `
${more}
sources: { open: { path: ${path}, verify: { type: none }, format: castai-event } }
sinks: ${sinks}
routes: [{ to: [out] }]
`;

describe('`serve` at SIGHUP', () => {
  it('takes what the file says now, and tells what changed in one line', async () => {
    const { bridge, post } = await configured(open('/old'));
    await bridge.start();
    expect(await post('/new', 'evt_1')).toBe(404);
    bridge.write(open('/new', '{ out: { type: console, concurrency: 2 }, more: { type: console } }'));
    bridge.signal('SIGHUP');
    await until(async () => (await post('/new', 'evt_1')) === 200);
    await until(() => bridge.output.stderr.includes('configuration reloaded'));
    const line = bridge.output.stderr.split('\n').filter((text) => text.includes('configuration reloaded'));
    expect(line.map((text) => JSON.parse(text) as object)).toMatchObject([
      { level: 'info', sinks: { added: ['more'], removed: [], changed: ['out'] }, sources: 1, routes: 1 },
    ]);
    expect(bridge.output.stderr).toContain('sinks.more: no row of the table names this sink');
  });

  it('while its own modules are loaded: is not ended by it', async () => {
    const hook = `export async function resolve(name, context, next) {
      if (name.endsWith('/serve.js')) process.kill(process.pid, 'SIGHUP');
      return next(name, context);
    }`;
    const preload = `import { register } from 'node:module'; register(${JSON.stringify(inUrl(hook))});`;
    const { code, err } = await run(['serve', '--config', 'nowhere.yaml'], { NODE_OPTIONS: `--import ${inUrl(preload)}` });
    expect([code, err]).toEqual([1, expect.stringContaining('nowhere.yaml has a problem')]);
  });

  it.runIf(existsSync('/proc/self/status'))('before it is ready: neither ends nor forgets it', async () => {
    const { bridge, post } = await configured(open('/old'));
    const started = bridge.start();
    await soon(() => catchesHangups(bridge.pid()));
    bridge.signal('SIGHUP');
    // By now the file was read.
    await soon(() => existsSync(join(bridge.folder, 'data/bridge.db')));
    bridge.write(open('/new'));
    bridge.signal('SIGHUP');
    await started;
    await until(async () => (await post('/new', 'evt_1')) === 200);
  });

  describe('while the file is being read, which a pipe in it makes last', () => {
    const slow = async () => {
      const { bridge, post } = await configured(open('/old'));
      bridge.spawn('--no-watch');
      await bridge.ready();
      const pipe = join(bridge.folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      bridge.write(open(`"/\${file:${pipe}}"`));
      bridge.signal('SIGHUP');
      // It stands open for reading once somebody reads.
      const writing = await openFile(pipe, 'w');
      onTestFinished(() => writing.close());
      return { bridge, post, writing };
    };

    it('answers events, and takes all that asked meanwhile as one', async () => {
      const { bridge, post, writing } = await slow();
      for (let n = 0; n < 5; n++) expect(await post('/old', `evt_${n}`)).toBe(200);
      bridge.write(open('/last'));
      const asked = [1, 2, 3].map(async () => (await fetch(`${bridge.operations}/-/reload`, { method: 'POST' })).status);
      await until(async () => (await post('/old', 'evt_6')) === 200);
      await writing.writeFile('new');
      await writing.close();
      expect(await Promise.all(asked)).toEqual([200, 200, 200]);
      expect([await post('/new', 'evt_7'), await post('/last', 'evt_7')]).toEqual([404, 200]);
      await until(() => bridge.output.stderr.split('configuration reloaded').length >= 3);
      await bridge.stop();
      expect(bridge.output.stderr.split('configuration reloaded')).toHaveLength(3);
    });

    it('SIGTERM ends it in order, and the process all the same', async () => {
      const { bridge } = await slow();
      await bridge.stop();
      expect(bridge.output.stderr).toContain('"msg":"stopped"');
    });
  });

  it('refuses a file that became a pipe, which nobody may ever write', async () => {
    const { bridge, post } = await configured(open('/old'));
    await bridge.start();
    const file = join(bridge.folder, 'bridge.yaml');
    rmSync(file);
    execFileSync('mkfifo', [file]);
    const asked = await fetch(`${bridge.operations}/-/reload`, { method: 'POST' });
    expect([asked.status, await asked.text()]).toEqual([422, expect.stringContaining('it is a pipe, which can be read once')]);
    rmSync(file);
    bridge.write(open('/new'));
    await until(async () => (await post('/new', 'evt_1')) === 200);
  });

  it('does not exchange a secret that it made because its file is gone', async () => {
    const { bridge } = await configured(open('/old'));
    const secretFile = join(bridge.folder, 'secret');
    const signed = (grace: string) =>
      open('/old', undefined, `shutdown: { grace: ${grace} }`).replace('{ type: none }', `{ type: castai, secrets: ["\${generate:${secretFile}}"] }`);
    bridge.write(signed('1s'));
    await bridge.start();
    const reload = async () => (await fetch(`${bridge.operations}/-/reload`, { method: 'POST' })).status;
    const secret = readFileSync(secretFile, 'utf8');
    rmSync(secretFile);
    bridge.write(signed('2s'));
    expect([await reload(), await reload(), existsSync(secretFile)]).toEqual([422, 422, false]);
    expect(await (await fetch(`${bridge.operations}/readyz`)).text()).toContain(`the secret file ${secretFile} is gone`);
    writeFileSync(secretFile, secret);
    expect(await reload()).toBe(200);
  });

  it('T19: SIGTERM while a sink is being exchanged ends it in order, within the grace time', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.goAway());
    const sinks = (concurrency: number) => `{ out: { type: http, url: "${receiver.url}", concurrency: ${concurrency} } }`;
    const { bridge, post } = await configured(open('/w', sinks(1), 'shutdown: { grace: 23d }'));
    await bridge.start();
    receiver.otherwise('hang');
    expect(await post('/w', 'evt_1')).toBe(200);
    await until(() => receiver.received.length === 1);
    bridge.write(open('/w', sinks(2), 'shutdown: { grace: 23d }'));
    bridge.signal('SIGHUP');
    await until(() => bridge.output.stderr.includes('configuration reloaded'));
    bridge.write(open('/w', sinks(3), 'shutdown: { grace: 100ms }'));
    bridge.signal('SIGHUP');
    await until(() => bridge.output.stderr.split('configuration reloaded').length >= 3);
    expect(await bridge.stop()).toBe(0);
    expect(bridge.output.stderr).toContain('"msg":"stopped"');
    expect(receiver.received).toHaveLength(1);

    receiver.otherwise({ status: 200 });
    await bridge.start();
    await until(() => receiver.received.length === 2);
  });
});

function inUrl(module: string): string {
  return `data:text/javascript,${encodeURIComponent(module)}`;
}

function catchesHangups(pid: number): boolean {
  if (pid === 0) return false;
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (BigInt(`0x${mask ?? '0'}`) & SIGHUP_BIT) !== 0n;
}

/** What is true for a moment only must not be missed. */
async function soon(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
}
