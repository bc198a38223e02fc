import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { served, until } from '../e2e/serve.js';
import { startHttpReceiver } from '../receivers/http-receiver.js';

const SECRETS = { TOKEN: 'CANARY-token-0123456789', OTHER: 'CANARY-token-9876543210' };

async function running(yaml: string) {
  const bridge = await served(yaml, { env: SECRETS });
  onTestFinished(() => bridge.cleanUp());
  // Listeners and store as the bridge has them.
  const head = readFileSync(bridge.config, 'utf8').split('\n').slice(0, 3).join('\n');
  const other = (text: string): string => {
    const file = join(bridge.folder, 'other.yaml');
    writeFileSync(file, `${head}\n${text}`);
    return file;
  };
  return { bridge, other };
}

const yaml = (sinks: string, to: string) => `
sources: { open: { path: /w, verify: { type: none }, format: castai-event } }
sinks:
${sinks}
routes: [{ name: all, to: [${to}] }]
`;

describe('`castbridge diff`', () => {
  it('compares the file as it is now with what the running bridge goes by, and says what waits for a sink that goes', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.goAway());
    receiver.otherwise({ status: 500 });
    const { bridge, other } = await running(
      yaml(`  out: { type: http, url: "${receiver.url}", headers: { x: "\${TOKEN}" } }\n  screen: { type: console }`, 'out, screen'),
    );
    await bridge.start();
    expect(await bridge.here('diff')).toMatchObject({ code: 0, out: 'nothing would change\n' });
    const posted = await fetch(new URL('/w', bridge.url), { method: 'POST', body: '{"id":"evt_1","type":"test"}' });
    expect(posted.status).toBe(200);
    await until(() => receiver.received.length > 0);

    const next = other(yaml('  screen: { type: console, concurrency: 2 }', 'screen'));
    const { code, out } = await bridge.here('diff', '--json', next);
    expect([code, JSON.parse(out)]).toMatchObject([
      1,
      {
        same: false,
        sinks: { removed: ['out'], changed: [{ name: 'screen', differences: [{ path: 'concurrency', before: 1, after: 2 }] }] },
        routes: { changed: [{ name: 'all' }] },
        waitingForRemoved: { out: 1 },
      },
    ]);
    const text = await bridge.here('diff', next);
    expect(text.out.split('\n')).toEqual([
      'sinks',
      '  - out: 1 waiting for it become dead letters (sink_removed)',
      '  ~ screen',
      '      concurrency: 1 → 2',
      'routes',
      '  ~ all',
      '      to: ["out","screen"] → ["screen"]',
      '',
    ]);
  });

  it('T47: tells a secret that differs without showing it, over the API too', async () => {
    const sink = (name: string) => yaml(`  out: { type: http, url: "http://127.0.0.1:1/", headers: { authorization: "Bearer \${${name}}" } }`, 'out');
    const { bridge, other } = await running(sink('TOKEN'));
    await bridge.start();
    const { code, out, err } = await bridge.here('diff', other(sink('OTHER')));
    expect([code, out]).toEqual([1, 'sinks\n  ~ out\n      headers.authorization: another secret\n']);
    const answer = await (await fetch(new URL('/-/config', bridge.operations))).text();
    expect(answer).toContain('secret:');
    for (const text of [out, err, answer]) expect(text).not.toContain('CANARY');
  });

  it('compares two files where no bridge runs', async () => {
    const { bridge, other } = await running(yaml('  out: { type: console }', 'out'));
    const next = other(yaml('  out: { type: console, timeout: 5s }', 'out'));
    expect(await bridge.here('diff', next)).toMatchObject({ code: 3 });
    expect(await bridge.here('diff', next, '--against', bridge.config)).toMatchObject({ code: 1, out: 'sinks\n  ~ out\n      timeout: 10s → 5s\n' });
    const wrong = other(yaml('  out: { type: console, timeout: 5 }', 'out'));
    expect(await bridge.here('diff', wrong, '--against', bridge.config)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('sinks.out.timeout') as string,
    });
  });
});
