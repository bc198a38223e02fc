import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { postSigned, served, until, type Served } from './serve.js';

const SECRET = 'e2e-0123456789abcdef0123456789abcdef';
const RELOADS = 50;
/** Of a sender, between two events: what is tried are reloads in the middle of them, not what two cores can take. */
const BETWEEN_MS = 50;
const SENDERS = 4;
/** Sinks whose far side answers 200: whatever is delivered there arrives once. */
const WORKING = ['steady', 'tuned', 'extra'] as const;

interface Row {
  readonly eventId: string;
  readonly sink: string | null;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly reason: string | null;
}

describe('T15: the built bridge under load, over fifty reloads', () => {
  let receivers: Record<(typeof WORKING)[number] | 'failing', HttpReceiver>;
  let bridge: Served;

  beforeAll(async () => {
    const [steady, tuned, extra, failing] = await Promise.all([0, 1, 2, 3].map(() => startHttpReceiver()));
    if (!steady || !tuned || !extra || !failing) throw new Error('a receiver is missing');
    receivers = { steady, tuned, extra, failing };
    failing.otherwise({ status: 503 });
    bridge = await served(files()[0] ?? '');
    // Reloads are counted here: the watcher would add its own.
    bridge.spawn('--no-watch');
    await bridge.ready();
  });
  afterAll(async () => {
    await bridge.cleanUp();
    await Promise.all(Object.values(receivers).map((receiver) => receiver.goAway()));
  });

  /** They change routes, the policies of two sinks, and add and remove one. */
  const files = (): string[] => {
    const url = (sink: keyof typeof receivers) => `type: http, url: "${receivers[sink].url}/${sink}"`;
    const retry = 'retry: { attempts: 4, initial: 10ms, max: 200ms }';
    const file = (sinks: readonly string[], routes: string) => `
sources: { castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event } }
sinks:
  steady: { ${url('steady')} }
  ${sinks.join('\n  ')}
routes: [${routes}]
`;
    return [
      file([`tuned: { ${url('tuned')} }`, `failing: { ${url('failing')}, ${retry} }`], '{ name: all, to: [steady, tuned, failing] }'),
      file(
        [`tuned: { ${url('tuned')}, concurrency: 2 }`, `failing: { ${url('failing')}, ${retry} }`, `extra: { ${url('extra')}, concurrency: 1 }`],
        '{ name: first, to: [steady, extra] }, { name: odd, match: { type: odd }, to: [tuned, failing] }',
      ),
      file(
        [`tuned: { ${url('tuned')} }`, `failing: { ${url('failing')}, ${retry}, concurrency: 3 }`],
        '{ name: all, to: [steady, failing] }, { name: even, match: { type: even }, to: [tuned] }',
      ),
    ];
  };
  const get = async (path: string) => (await fetch(`${bridge.operations}${path}`)).text();
  const reloaded = async (yaml: string, outcome: string, times: number) => {
    bridge.write(yaml);
    bridge.signal('SIGHUP');
    await until(async () => (await get('/metrics')).includes(`castbridge_config_reloads_total{outcome="${outcome}"} ${times}`));
  };
  const rows = async () => {
    const all: Row[] = [];
    for (let before: string | null = ''; before !== null;) {
      const page = JSON.parse(await get(`/api/deliveries?limit=1000${before && `&before=${before}`}`)) as { deliveries: Row[]; next: string | null };
      all.push(...page.deliveries);
      before = page.next;
    }
    return all;
  };

  it('loses nothing, and delivers nothing twice', async () => {
    const acknowledged: string[] = [];
    let sending = true;
    const send = async (sender: number): Promise<void> => {
      for (let n = 0; sending; n++) {
        const id = `evt_${sender}_${n}`;
        const body = Buffer.from(JSON.stringify({ id, type: n % 2 === 0 ? 'even' : 'odd' }));
        expect((await postSigned(bridge.url, SECRET, body)).status).toBe(200);
        acknowledged.push(id);
        await pause(BETWEEN_MS);
      }
    };
    const senders = Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)));
    for (let n = 1; n <= RELOADS; n++) await reloaded(files()[n % files().length] ?? '', 'taken', n);
    sending = false;
    await senders;
    for (const sink of WORKING) await until(async () => (await get(`/api/deliveries?state=waiting&sink=${sink}`)).includes('"deliveries":[]'));

    const all = await rows();
    expect(acknowledged.length).toBeGreaterThan(RELOADS);
    expect(new Set(all.map((row) => row.eventId))).toEqual(new Set(acknowledged));
    const ids = (sink: string, state: Row['state']) => all.filter((row) => row.sink === sink && row.state === state).map((row) => row.eventId);
    expect(ids('steady', 'delivered').sort()).toEqual([...acknowledged].sort());
    for (const sink of WORKING) {
      const arrived = receivers[sink].received.map(({ headers }) => String(headers['castbridge-event-id']));
      expect(arrived.sort()).toEqual(ids(sink, 'delivered').sort());
    }
    // All ways were taken.
    for (const sink of WORKING) expect(ids(sink, 'delivered').length).toBeGreaterThan(0);
    const reasons = new Set(all.filter((row) => row.state === 'dead').map((row) => `${row.sink} ${row.reason}`));
    expect([...reasons].filter((reason) => reason !== 'extra sink_removed' && reason !== 'failing attempts_exhausted')).toEqual([]);
  }, 400_000);

  it('and goes on with what it had when the file is bad', async () => {
    const bad = (files()[0] ?? '').replace('to: [steady', 'to: [steadi');
    await reloaded(bad, 'refused', 1);
    const ready = await fetch(`${bridge.operations}/readyz`);
    const problem = expect.stringMatching(/bridge\.yaml:10:\d+ {2}routes\[0\]\.to\[0\]: no sink named "steadi"; did you mean "steady"\?/) as string;
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [], notes: [expect.stringContaining('refused'), problem] }]);
    await until(() => bridge.output.stderr.includes('"msg":"configuration refused: the one in force stays"'));
    const body = Buffer.from('{"id":"evt_after","type":"even"}');
    expect((await postSigned(bridge.url, SECRET, body)).status).toBe(200);
    await until(() => receivers.steady.received.some(({ headers }) => headers['castbridge-event-id'] === 'evt_after'));
  });
});
