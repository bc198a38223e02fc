// What bench/backlog.mjs, bench/neighbour.mjs and bench/reload.mjs share: the built bridge as a process of its own, receivers on loopback, a paced load, and quantiles.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { openSqliteStore } from '../dist/stores/sqlite/store.js';

export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const CONNECTIONS = 64;
const PADDING = 'x'.repeat(850);

/** An event of about 1 KB. */
export function bodyOf(id, type = 'resource.created') {
  return JSON.stringify({ id, type, data: { clusterId: 'c-1', padding: PADDING }, created: '2026-01-01T00:00:00Z' });
}

/** Fills a file through the store itself: `events` events that wait, one delivery to each of `sinks`; `more` is done before it is closed. */
export async function fill(path, events, sinks, more = () => undefined) {
  const telemetry = { committed: () => undefined, storeFailing: () => undefined, storeRecovered: () => undefined };
  const store = await openSqliteStore({ path, limits: { retentionMs: 7 * 86_400_000, dedupWindowMs: 86_400_000 }, telemetry });
  const owes = sinks.map((sink) => ({ state: 'waiting', route: sink, sink }));
  for (let from = 0; from < events; from += 2_048) {
    await Promise.all(
      Array.from({ length: Math.min(2_048, events - from) }, (_, n) => {
        const id = `filled_${from + n}`;
        const arrival = { source: 'castai', format: 'castai-event', key: `id:${id}`, id, type: 'resource.created', receivedMs: Date.now(), owes };
        return store.accept({ ...arrival, body: Buffer.from(bodyOf(id)), headers: {}, dedupWindowMs: 86_400_000 });
      }),
    );
  }
  await more(store);
  await store.close();
}

/** The bridge on `database`; `rest` is the YAML of its sinks and routes. `flags`: of `serve`; `env`: beside its own. */
export async function startBridge(folder, database, rest, { flags = [], env = {} } = {}) {
  const [port, operationsPort] = [await freePort(), await freePort()];
  const config = join(folder, `bridge-${port}.yaml`);
  const write = (yaml) =>
    writeFileSync(
      config,
      `server: { host: 127.0.0.1, port: ${port} }
operations: { port: ${operationsPort} }
storage: { path: ${database} }
sources: { castai: { path: /w, verify: { type: none }, format: castai-event } }
${yaml}`,
    );
  write(rest);
  const log = openSync(join(folder, 'bridge.log'), 'w');
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config, '--log-level', 'error', ...flags], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const operations = `http://127.0.0.1:${operationsPort}`;
  const isReady = () =>
    fetch(`${operations}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  for (let ready = false; !ready; await sleep(10)) {
    ready = await isReady();
    if (child.exitCode !== null) throw new Error(`the bridge ended: ${readFileSync(join(folder, 'bridge.log'), 'utf8')}`);
  }
  return {
    config,
    operations,
    url: `http://127.0.0.1:${port}/w`,
    readyMs: Math.round(performance.now() - started),
    write,
    signal: (name) => child.kill(name),
    cpuMs: () => cpuMs(child.pid),
    rssMb: () => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      process.removeListener('exit', kill);
    },
  };
}

/** Posts `seconds` of events at an even rate, whatever the answers take. `sentAt`: when each was posted. */
export async function load(url, { type, perSecond, seconds, sentAt }) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const [answered, statuses] = [[], {}];
  const post = async () => {
    const id = `evt_${randomUUID()}`;
    const body = bodyOf(id, type);
    const began = performance.now();
    sentAt.set(id, began);
    const answer = await pool.request({ path: pathname, method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await answer.body.dump();
    statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
    answered.push(performance.now() - began);
  };
  const posts = [];
  const began = performance.now();
  for (let n = 0; n < perSecond * seconds;) {
    for (const due = ((performance.now() - began) / 1_000) * perSecond; n < due && n < perSecond * seconds; n++) posts.push(post());
    await sleep(2);
  }
  await Promise.all(posts);
  await pool.close();
  if (statuses[200] !== answered.length) throw new Error(`not every event was answered 200: ${JSON.stringify(statuses)}`);
  return answered;
}

/** A receiver that answers 200 and notes how long each event took from its post. */
export async function startReceiver(sentAt) {
  const latencies = [];
  let others = 0;
  const server = createServer((request, response) => {
    const sent = sentAt.get(request.headers['castbridge-event-id']);
    if (sent === undefined) others += 1;
    else latencies.push(performance.now() - sent);
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    latencies,
    others: () => others,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Accepts connections, and never answers. */
export async function startHanging() {
  const sockets = new Set();
  const server = createSocketServer((socket) => void sockets.add(socket.on('error', () => undefined).resume())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A port where nothing listens, below those that the system gives away by itself. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createSocketServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** User and system time of a process: fields 14 and 15 of /proc/PID/stat, in hundredths of a second. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export const median = (values) => quantile(values, 0.5);

/** Of a latency: what else the machine does only adds to it. */
export const best = (values) => Math.min(...values);

export function rounded(value) {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A table in Markdown, so that it can be pasted. */
export function table(head, rows) {
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}
