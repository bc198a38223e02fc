import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postSigned, served, until, type Served } from '../e2e/serve.js';
import { startHttpReceiver } from '../receivers/http-receiver.js';

const yaml = (path: string, more = '') => `
sources: { open: { path: ${path}, verify: { type: none }, format: castai-event } }
sinks: { out: { type: console } }
routes: [{ to: [out] }]
${more}`;

async function running(text: string): Promise<Served> {
  const bridge = await served(text);
  onTestFinished(() => bridge.cleanUp());
  await bridge.start();
  return bridge;
}

const post = async ({ url }: Served, path: string, id = 'evt_1') =>
  (await fetch(new URL(path, url), { method: 'POST', body: JSON.stringify({ id, type: 'test' }) })).status;

/** Log lines of reloads, the oldest first. */
const reloads = ({ output }: Served): readonly { msg: string; trigger: string }[] =>
  output.stderr
    .split('\n')
    .filter((line) => /"msg":"configuration re(loaded|fused)/.test(line))
    .map((line) => JSON.parse(line) as { msg: string; trigger: string });

/** The file as `served` writes it, listeners and store included. */
function whole(bridge: Served, text: string): string {
  const before = readFileSync(bridge.config, 'utf8');
  return `${before.split('\n').slice(0, 3).join('\n')}\n${text}`;
}

describe('`serve` watches its file', () => {
  it('written in place, and replaced by another one, as editors do', async () => {
    const bridge = await running(yaml('/one'));
    writeFileSync(bridge.config, whole(bridge, yaml('/two')));
    await until(async () => (await post(bridge, '/two')) === 200);
    bridge.write(yaml('/three'));
    await until(async () => (await post(bridge, '/three')) === 200);
    await until(() => reloads(bridge).length === 2);
    expect(reloads(bridge)).toMatchObject([{ trigger: 'file' }, { trigger: 'file' }]);
  });

  it('mounted from a ConfigMap: the link of the folder is exchanged, the file’s own stays', async () => {
    const bridge = await served(yaml('/one'));
    onTestFinished(() => bridge.cleanUp());
    const mount = (version: string, text: string): void => {
      mkdirSync(join(bridge.folder, version));
      writeFileSync(join(bridge.folder, version, 'bridge.yaml'), text);
      symlinkSync(version, join(bridge.folder, '..data_tmp'));
      renameSync(join(bridge.folder, '..data_tmp'), join(bridge.folder, '..data'));
    };
    const [first, second] = [whole(bridge, yaml('/one')), whole(bridge, yaml('/two'))];
    unlinkSync(bridge.config);
    mount('..2026_1', first);
    symlinkSync('..data/bridge.yaml', bridge.config);
    await bridge.start();
    mount('..2026_2', second);
    rmSync(join(bridge.folder, '..2026_1'), { recursive: true });
    await until(async () => (await post(bridge, '/two')) === 200);
    await until(() => reloads(bridge).length > 0);
    expect(reloads(bridge)).toMatchObject([{ msg: 'configuration reloaded', trigger: 'file' }]);
  });

  it('and the secret files that it names', async () => {
    const bridge = await served('');
    onTestFinished(() => bridge.cleanUp());
    const secret = join(bridge.folder, 'secret');
    writeFileSync(secret, 'b6f1d0c5b9a7e4f3288d\n');
    bridge.write(yaml('/w').replace('{ type: none }', `{ type: castai, secrets: ["\${file:${secret}}"] }`));
    await bridge.start();
    writeFileSync(secret, '0d4a8e2f6b1c9a7d3e5f\n');
    await until(
      async () =>
        (await postSigned(new URL('/w', bridge.url).href, '0d4a8e2f6b1c9a7d3e5f', Buffer.from('{"id":"evt_1","type":"test"}'))).status === 200,
    );
    await until(() => reloads(bridge).length > 0);
    expect(reloads(bridge)).toMatchObject([{ trigger: 'file' }]);
  });

  it('tells of bad content once; the good one clears it', async () => {
    const bridge = await running(yaml('/one'));
    const good = readFileSync(bridge.config, 'utf8');
    const bad = whole(bridge, yaml('/two', 'nonsense: 1'));
    writeFileSync(bridge.config, bad);
    await until(() => reloads(bridge).length === 1);
    expect(reloads(bridge)[0]).toMatchObject({ msg: expect.stringContaining('refused') as string, trigger: 'file' });
    const notes = async () => (await (await fetch(`${bridge.operations}/readyz`)).json()) as { ready: boolean; notes: string[] };
    expect(await notes()).toMatchObject({ ready: true, notes: [expect.stringContaining('was refused'), expect.stringContaining('nonsense')] });
    expect(await post(bridge, '/one')).toBe(200);
    writeFileSync(bridge.config, good);
    await until(() => reloads(bridge).length === 2);
    expect(await notes()).toEqual({ ready: true, reasons: [], notes: [] });
  });

  it('unless it is told not to; `POST /-/reload` then takes the file up, or says why not', async () => {
    const bridge = await served(yaml('/one'));
    onTestFinished(() => bridge.cleanUp());
    bridge.spawn('--no-watch');
    await bridge.ready();
    bridge.write(yaml('/two'));
    const reload = async () => {
      const answer = await fetch(`${bridge.operations}/-/reload`, { method: 'POST' });
      return [answer.status, await answer.json()];
    };
    expect(await reload()).toMatchObject([
      200,
      { ok: true, changes: { sinks: { added: [], removed: [], changed: [] } }, warnings: [expect.stringContaining('anybody')] },
    ]);
    expect(await post(bridge, '/two')).toBe(200);
    bridge.write(yaml('/three', 'nonsense: 1'));
    expect(await reload()).toMatchObject([422, { ok: false, problems: [expect.stringContaining('nonsense: unknown key "nonsense"')] }]);
    bridge.write(yaml('/three', 'tests: [{ name: never, given: { body: { id: a, type: b } }, expect: [] }]'));
    expect(await reload()).toMatchObject([422, { ok: false, problems: [expect.stringContaining('"never" fails')] }]);
    expect(await post(bridge, '/two')).toBe(200);
    await until(() => reloads(bridge).length === 3);
    expect(reloads(bridge).map(({ trigger }) => trigger)).toEqual(['api', 'api', 'api']);
  });

  it('under load: nothing is lost or sent twice, and a sink that did not change keeps its connections', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.goAway());
    const sinks = (concurrency: number) =>
      `{ kept: { type: http, url: "${receiver.url}/kept", concurrency: 4 }, other: { type: http, url: "${receiver.url}/other", concurrency: ${concurrency} } }`;
    const text = (count: number) =>
      yaml('/w')
        .replace('{ out: { type: console } }', sinks(1 + (count % 8)))
        .replace('[out]', '[kept, other]');
    const bridge = await running(text(0));
    let posted = 0;
    let done = false;
    const posting = Promise.all(
      Array.from({ length: 8 }, async () => {
        // Events all the time, but not more of them than leave the reloads a core.
        while (!done) {
          expect(await post(bridge, '/w', `evt_${posted++}`)).toBe(200);
          await pause(20);
        }
      }),
    );
    for (let count = 1; count <= 20; count++) {
      bridge.write(text(count));
      const answer = await fetch(`${bridge.operations}/-/reload`, { method: 'POST' });
      expect(answer.status).toBe(200);
    }
    done = true;
    await posting;
    await until(() => receiver.received.length >= 2 * posted);
    const to = (path: string) => receiver.received.filter((one) => one.path === path);
    for (const path of ['/kept', '/other']) {
      const ids = to(path).map(({ headers }) => headers['castbridge-event-id']);
      expect([new Set(ids).size, ids.length]).toEqual([posted, posted]);
    }
    // Four sends at once need a handful; a sink that each reload opens anew has at least one for each.
    const connections = (path: string): number => new Set(to(path).map(({ connection }) => connection)).size;
    expect([connections('/kept') < 15, connections('/other') > 15]).toEqual([true, true]);
  }, 240_000);
});
