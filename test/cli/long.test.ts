import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MAIN } from '../e2e/serve.js';
import { directory } from '../stores/sqlite-rig.js';

/** An operators' API that answers call after call as it is told, and the built command against it. */
async function rig(answer: (nth: number) => { status?: number; body: object }) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status = 200, body } = answer(asked.length);
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const config = join(directory(), 'bridge.yaml');
  writeFileSync(
    config,
    `operations: { port: ${(server.address() as AddressInfo).port} }
sources: { open: { path: /w, verify: { type: none }, format: castai-event } }
sinks: { out: { type: console } }
routes: [{ to: [out] }]
`,
  );
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.on('data', (text) => (said.out += String(text)));
    child.stderr.on('data', (text) => (said.err += String(text)));
    const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => ({ code, ...said }));
    return { child, ended };
  };
  return { asked, start };
}

describe('a replay of all', () => {
  const endless = { body: { replayed: 500, refused: [], next: 'x.0' } };

  it.each([['--json'], []])('that is interrupted ends with a page, and says what is done (%s)', async (...flags) => {
    let interrupt = (): void => undefined;
    const { asked, start } = await rig((nth) => {
      if (nth === 3) interrupt();
      return endless;
    });
    const { child, ended } = start('replay', '--sink', 'out', '--state', 'dead', ...flags);
    interrupt = () => void child.kill('SIGINT');
    const { code, out, err } = await ended;
    const done = asked.length * 500;
    expect(done).toBeGreaterThanOrEqual(1_500);
    expect(code).toBe(130);
    if (flags.length === 0) expect(out).toBe(`${done} deliveries wait again\n`);
    else expect(JSON.parse(out)).toEqual({ replayed: done, refused: [], interrupted: true });
    if (flags.length === 0) expect(err).toContain('the same command goes on with it');
  });

  it('says how much was done where the bridge ends it', async () => {
    const { start } = await rig((nth) => (nth < 3 ? endless : { status: 503, body: { error: 'the store is closed' } }));
    const { code, out, err } = await start('replay', '--sink', 'out').ended;
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/at least 1000 deliveries wait again; the rest was not reached\ncastbridge: the store is closed\n$/);
  });

  it('keeps a bounded number of refusals, and counts them all', async () => {
    const refused = Array.from({ length: 500 }, (_, n) => ({ id: `${n}`, why: 'no such sink' }));
    const { start } = await rig((nth) => ({ body: { replayed: 0, refused, next: nth < 5 ? 'x.0' : null } }));
    const { code, out } = await start('replay', '--sink', 'out', '--json').ended;
    const report = JSON.parse(out) as { refused: object[]; moreRefused: number };
    expect([code, report.refused.length, report.moreRefused]).toEqual([1, 1_000, 1_500]);
  });
});

describe('a listing', () => {
  it('follows pages that are short or empty, and writes lines as they come', async () => {
    const row = (id: string) => ({ id, eventId: id, type: 't', receivedAt: '', sink: 'out', state: 'dead', attempts: 1, reason: null, detail: null });
    const pages = [[], [row('b')], [], [row('a')]];
    const { asked, start } = await rig((nth) => ({ body: { deliveries: pages[nth - 1] ?? [], next: nth < 4 ? `${nth}.0` : null } }));
    const { code, out } = await start('deliveries', '--sink', 'out', '--json').ended;
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => (line === '' ? null : (JSON.parse(line) as { id: string }).id))).toEqual(['b', 'a', null]);
    expect(asked[2]).toBe('/api/deliveries?sink=out&before=2.0&limit=99');
  });
});
