// Accepted events a second and CPU per event: the bridge (verify, route, store, fsync, answer, deliver to the console)
// next to a bare Koa handler that only verifies. 64 connections, bodies of 1 KB, rounds in turn, medians.
// Usage: npm run build && node bench/ingest.mjs [--rounds 3] [--seconds 5]
import { spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Koa from 'koa';
import { Pool } from 'undici';

const CONNECTIONS = 64;
const SECRET = randomBytes(32).toString('hex');

if (process.argv[2] === 'bare') serveBare();
else await main();

function serveBare() {
  const secret = process.env.SECRET;
  const app = new Koa();
  app.use(async (context) => {
    const chunks = [];
    for await (const chunk of context.req) chunks.push(chunk);
    const mac = createHmac('sha256', secret)
      .update(`${context.get('x-castai-timestamp')}.`)
      .update(Buffer.concat(chunks))
      .digest();
    const given = Buffer.from(context.get('x-castai-signature'), 'hex');
    const authentic = given.length === mac.length && timingSafeEqual(given, mac);
    context.status = authentic ? 200 : 401;
    context.body = authentic ? { received: true } : { error: 'Invalid signature' };
  });
  const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));
}

async function main() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '5' } } });
  const results = { bare: [], bridge: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, start] of Object.entries({ bare: startBare, bridge: startBridge })) {
      const target = await start();
      await load(target.url, 1_000);
      results[name].push(await measured(target, Number(values.seconds) * 1_000));
      await target.stop();
    }
  }
  const rows = Object.entries(results).map(([name, runs]) => ({ name, ...medians(runs) }));
  for (const row of rows) console.log(JSON.stringify(row));
  console.log(JSON.stringify({ ratioPerSecond: round2(rows[1].perSecond / rows[0].perSecond), ratioCpu: round2(rows[1].cpuUs / rows[0].cpuUs) }));
}

async function startBare() {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'bare'], {
    env: { ...process.env, SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { url: `${String(line).trim()}/`, pid: child.pid, stop: () => end(child) };
}

async function startBridge() {
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-bench-'));
  const config = join(folder, 'bridge.yaml');
  writeFileSync(
    config,
    `server: { host: 127.0.0.1, port: 39301 }
operations: { port: 39302 }
storage: { path: ${folder}/bridge.db }
sources: { castai: { path: /w, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event } }
sinks: { screen: { type: console } }
routes: [{ to: [screen] }]
`,
  );
  const nowhere = openSync('/dev/null', 'w');
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve', '--config', config], { stdio: ['ignore', nowhere, nowhere] });
  const ready = () =>
    fetch('http://127.0.0.1:39302/readyz').then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    url: 'http://127.0.0.1:39301/w',
    pid: child.pid,
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true });
    },
  };
}

async function end(child) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function measured(target, ms) {
  const before = cpuMs(target.pid);
  const { accepted, latencies, seconds } = await load(target.url, ms);
  latencies.sort((a, b) => a - b);
  const at = (share) => round2(latencies[Math.floor(latencies.length * share)] ?? NaN);
  return {
    perSecond: Math.round(accepted / seconds),
    cpuUs: round2(((cpuMs(target.pid) - before) * 1_000) / accepted),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

async function load(url, ms) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const latencies = [];
  const started = performance.now();
  let accepted = 0;
  const padding = 'x'.repeat(850);
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - started < ms) {
        const body = JSON.stringify({
          id: `evt_${randomUUID()}`,
          type: 'resource.created',
          data: { clusterId: 'c-1', padding },
          created: '2026-01-01T00:00:00Z',
        });
        const timestamp = String(Math.floor(Date.now() / 1_000));
        const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
        const sent = performance.now();
        const answer = await pool.request({
          path: pathname,
          method: 'POST',
          headers: { 'x-castai-timestamp': timestamp, 'x-castai-signature': signature, 'content-type': 'application/json' },
          body,
        });
        await answer.body.dump();
        latencies.push(performance.now() - sent);
        if (answer.statusCode === 200) accepted += 1;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  await pool.close();
  return { accepted, latencies, seconds };
}

/** User and system time of a process: fields 14 and 15 of /proc/PID/stat, in hundredths of a second. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function medians(runs) {
  const middle = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[Math.floor(runs.length / 2)];
  return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, middle(key)]));
}

function round2(value) {
  return Math.round(value * 100) / 100;
}
