import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import type { SinkKind } from '../../src/core/sink.js';
import { kinds } from '../../src/kinds.js';
import { http as httpKind } from '../../src/sinks/http.js';
import { until } from '../e2e/serve.js';
import { arrived, aWholeRoundTrip, http, receiver, running, sources } from './rig.js';

const routes = [{ to: ['out'] }];

async function started(env: Readonly<Record<string, string>> = {}) {
  const out = await receiver();
  const sinks = { out: http(out) };
  return { out, sinks, run: await running({ sinks, routes }, env) };
}

describe('T15: a reload that is refused changes nothing', () => {
  it('and says so in the log, the metrics and the notes of /readyz, until a good one is taken', async () => {
    const { run, sinks, out } = await started();
    const told = async () => [await run.operations('/readyz'), await run.operations('/metrics')] as const;
    expect((await told())[1]).toMatch(/config_in_force 1[^]*config_loaded_timestamp_seconds 1\d{9}/);
    const bad = { sinks: { next: { type: 'console' } }, routes: [{ to: ['nxt'] }] };
    const problem = expect.stringMatching(/bridge\.yaml:1:\d+ {2}routes\[0\]\.to\[0\]: no sink named "nxt"; did you mean "next"\?$/) as string;
    expect(run.reload(bad)).toEqual({ ok: false, problems: [problem] });
    expect(run.lines.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', msg: 'configuration refused: the one in force stays', trigger: 'signal', problems: [problem] },
    ]);
    const [ready, metrics] = await told();
    expect(JSON.parse(ready)).toEqual({
      ready: true,
      reasons: [],
      notes: [expect.stringMatching(/^the configuration that was read at 2.*Z was refused/), problem],
    });
    expect(metrics).toMatch(/castbridge_config_reloads_total\{outcome="taken"\} 0\n.*\{outcome="refused"\} 1/);
    expect(metrics).toContain('castbridge_config_in_force 0');
    await aWholeRoundTrip(run, out);

    expect(run.reload({ sinks, routes })).toMatchObject({ ok: true });
    const [readyAgain, metricsAgain] = await told();
    expect(readyAgain).toBe('{"ready":true,"reasons":[],"notes":[]}');
    expect(metricsAgain).toMatch(/castbridge_config_reloads_total\{outcome="taken"\} 1\n.*\{outcome="refused"\} 1/);
    expect(metricsAgain).toContain('castbridge_config_in_force 1');
  });

  it.each([
    ['a variable that is not set', '${GONE}', 'the environment variable GONE is not set'],
    ['a secret file that is gone', '${file:/nowhere/secret}', 'the file /nowhere/secret cannot be read'],
  ])('%s', async (_, reference, what) => {
    const { run, sinks, out } = await started();
    const problems = [expect.stringContaining(what) as string];
    expect(run.reload({ sources: sources(reference), sinks, routes })).toEqual({ ok: false, problems });
    await aWholeRoundTrip(run, out);
  });

  it('a file that is gone', async () => {
    const { run, out } = await started();
    const file = join(run.folder, 'bridge.yaml');
    rmSync(file);
    expect(run.bridge.reload(loadConfig(file, {}, kinds), 'signal')).toEqual({
      ok: false,
      problems: [expect.stringContaining('the file cannot be read (ENOENT)')],
    });
    await aWholeRoundTrip(run, out);
  });

  it('a key that is taken up at start alone: all of them are named, and nothing else of the file is taken', async () => {
    const { run, out } = await started();
    const result = run.reload({
      server: { host: '::1', port: 4_000 },
      operations: { host: 'localhost', port: 4_001, token: 'f3b8a1d97c20e456' },
      storage: { path: join(run.folder, 'bridge.db'), retention: '1h' },
      dedup: { window: '1d' },
      sinks: { out: http(await receiver()) },
      routes,
    });
    const keys = ['server.host', 'server.port', 'operations.host', 'operations.port', 'operations.token', 'storage.retention', 'dedup.window'];
    const remedy = 'this is taken up at start alone; restart the bridge, or set it back to what it was';
    expect(result).toEqual({ ok: false, problems: keys.map((key) => `${run.folder}/bridge.yaml  ${key}: ${remedy}`) });
    await aWholeRoundTrip(run, out);
  });

  it('a sink that cannot be opened, or a secret that cannot be kept: the others of the file are not opened either', async () => {
    const { run, out, sinks } = await started();
    const file = join(run.folder, 'bridge.yaml');
    writeFileSync(
      file,
      JSON.stringify({
        operations: { port: 0 },
        server: { host: '127.0.0.1', port: 0 },
        storage: { path: join(run.folder, 'bridge.db') },
        sources: sources(),
        sinks: { ...sinks, first: http(out), broken: { type: 'console' } },
        routes: [{ to: ['first', 'broken'] }],
      }),
    );
    const closed: string[] = [];
    const sinkKinds = kinds.sinks.map((kind) => {
      if (kind.type === 'console') return { ...kind, open: fail };
      return kind.type === 'http' ? { ...kind, open: noting(closed) } : kind;
    });
    const loaded = loadConfig(file, {}, { ...kinds, sinks: sinkKinds });
    expect(run.bridge.reload(loaded, 'signal')).toEqual({ ok: false, problems: [`${file}  sinks.broken: it cannot be opened: no such device`] });
    await until(() => closed.includes('first'));
    writeFileSync(join(run.folder, 'file'), '');
    const kept = run.reload({ sources: sources(`\${generate:${run.folder}/file/secret}`), sinks, routes });
    expect(kept).toEqual({ ok: false, problems: [expect.stringMatching(/the secret file .* cannot be written: /)] });
    await aWholeRoundTrip(run, out);
  });

  it('one that comes while the bridge stops', async () => {
    const { run, sinks } = await started();
    const stopped = run.bridge.stop();
    expect(run.reload({ sinks, routes })).toMatchObject({ ok: false, problems: [expect.stringContaining('stopping')] });
    await stopped;
  });

  it('T47: and shows no secret that stands in the wrong place of it', async () => {
    const secret = 'lilac-and-gooseberry';
    const out = await receiver();
    const sinks = { out: http(out, { headers: { authorization: secret } }) };
    const run = await running({ sinks, routes });
    expect(run.reload({ sinks: { out: http(out, { timeout: secret }) }, routes })).toMatchObject({ ok: false });
    expect(JSON.stringify(run.lines) + (await run.operations('/readyz'))).not.toContain(secret);
    expect(JSON.stringify(run.lines)).toContain('[redacted]');
  });
});

describe('a reload goes by what its references say at this moment', () => {
  it('T46: a rotated secret file', async () => {
    const { run, sinks, out } = await started();
    const file = join(run.folder, 'secret');
    const [old, next] = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
    const parts = { sources: sources(`\${file:${file}}`), sinks, routes };
    writeFileSync(file, old);
    run.reload(parts);
    expect(await run.post('evt_1', { secret: old })).toBe(200);
    writeFileSync(file, `${next}\n`);
    expect(run.reload(parts)).toMatchObject({ ok: true, changes: { sinks: { added: [], removed: [], changed: [] } } });
    expect(await run.post('evt_2', { secret: old })).toBe(401);
    expect(await run.post('evt_2', { secret: next })).toBe(200);
    await until(() => arrived(out).includes('evt_2'));
  });

  it('in a sink: it is changed, though the file is not', async () => {
    const out = await receiver();
    const run = await running({ sinks: { out: http(out, { headers: { 'x-token': '${TOKEN}' } }) }, routes }, { TOKEN: 'token-0123456789' });
    expect(run.reload({ sinks: { out: http(out, { headers: { 'x-token': '${TOKEN}' } }) }, routes }, { TOKEN: 'token-9876543210' })).toMatchObject({
      changes: { sinks: { changed: ['out'] } },
    });
    await run.post('evt_1');
    await until(() => out.received.length === 1);
    expect(out.received[0]?.headers['x-token']).toBe('token-9876543210');
  });

  it('a secret that is to be made is made, once', async () => {
    const { run, sinks } = await started();
    const parts = { sources: sources(`\${generate:${run.folder}/made/secret}`), sinks, routes };
    expect(run.reload(parts)).toMatchObject({ ok: true });
    expect(run.reload(parts)).toMatchObject({ ok: true });
    expect(await run.post('evt_1')).toBe(401);
    const loaded = loadConfig(join(run.folder, 'bridge.yaml'), {}, kinds);
    const secret = loaded.ok ? (loaded.config.sources[0]?.signingSecret ?? '') : '';
    expect(await run.post('evt_1', { secret })).toBe(200);
  });
});

/** Opens HTTP sinks, and notes the names of those that are closed again. */
function noting(closed: string[]): SinkKind['open'] {
  return (config, context) => {
    const sink = httpKind.open(config, context);
    return { ...sink, close: () => sink.close().finally(() => closed.push(context.name)) };
  };
}

function fail(): never {
  throw new Error('no such device');
}
