import { once } from 'node:events';
import { request as httpRequest, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { EventView, StoredEvent } from '../../src/core/event.js';
import type { Dedup, Verify } from '../../src/core/source.js';
import type { Arrival, Owed, Receipt } from '../../src/core/store.js';
import type { Telemetry } from '../../src/core/telemetry.js';
import { createIngress, type Ingress, type IngressDependencies } from '../../src/ingress/ingress.js';
import type { IngressSource } from '../../src/ingress/receive.js';
import { castaiEvent } from '../../src/sources/format/castai-event.js';
import { castai, signCastai } from '../../src/sources/verify/castai.js';

export const SECRETS = ['6f1d0c5b9a7e4f3288d1', '0b8e7d6c5a493f2e1d0c'];
export const NOW_MS = Date.UTC(2026, 0, 12, 9, 24, 7);
export const LIMITS = { bodyBytesMax: 65_536, headerTimeoutMs: 10_000, bodyTimeoutMs: 10_000 };
export const OWES: readonly Owed[] = [{ state: 'waiting', route: 'all', sink: 'events' }];

export const DEDUP: Dedup = { key: null, windowMs: 604_800_000, missingId: 'reject' };

/** A store that holds what it accepted in memory, and fails when it is told to. */
export class MemoryStore {
  readonly stored: Arrival[] = [];
  /** What every call to `accept` throws. */
  failure: Error | null = null;
  /** What every call to `accept` waits for. */
  gate: Promise<void> = Promise.resolve();
  /** Calls to `accept` so far. */
  calls = 0;
  readonly #keys = new Set<string>();

  async accept(arrival: Arrival): Promise<Receipt> {
    await this.#called();
    return this.#take(arrival);
  }

  async acceptTogether(arrivals: readonly Arrival[]): Promise<Receipt[]> {
    await this.#called();
    return arrivals.map((arrival) => this.#take(arrival));
  }

  async #called(): Promise<void> {
    this.calls += 1;
    await this.gate;
    if (this.failure !== null) throw this.failure;
  }

  #take(arrival: Arrival): Receipt {
    const key = JSON.stringify([arrival.source, arrival.key]);
    if (arrival.key !== null && this.#keys.has(key)) return { kind: 'duplicate' };
    this.#keys.add(key);
    const { source, format, id, type, receivedMs, body, headers } = arrival;
    // A copy at this moment: bytes that change later were not stored.
    this.stored.push({ ...arrival, body: Buffer.from(body) });
    return { kind: 'stored', event: { uid: `uid-${this.stored.length}`, source, format, id, type, receivedMs, body, headers } };
  }
}

/** Facts in the order they were told. */
export type Fact = { readonly kind: keyof Telemetry } & Readonly<Record<string, unknown>>;

/** An ingress that listens, with everything it told. */
export interface Harness {
  readonly ingress: Ingress;
  readonly store: MemoryStore;
  readonly port: number;
  readonly facts: Fact[];
  readonly routed: EventView[];
  readonly handedOver: { readonly event: StoredEvent; readonly owes: readonly Owed[] }[];
  readonly logged: unknown[];
}

/** Starts an ingress with one source, `castai` at /webhooks/castai; it is closed when the test is over. */
export async function startIngress(changes: Partial<IngressDependencies> = {}): Promise<Harness> {
  const store = new MemoryStore();
  const facts: Fact[] = [];
  const routed: EventView[] = [];
  const handedOver: Harness['handedOver'] = [];
  const logged: unknown[] = [];
  const ingress = createIngress({
    sources: [source()],
    limits: LIMITS,
    store,
    route: (event) => {
      routed.push(event);
      return OWES;
    },
    onStored: (event, owes) => void handedOver.push({ event, owes }),
    telemetry: recorder(facts),
    log: { debug: ignore, info: ignore, warn: ignore, error: (fields, message) => void logged.push({ ...fields, message }) },
    nowMs: () => NOW_MS,
    ...changes,
  });
  ingress.server.listen(0, '127.0.0.1');
  await once(ingress.server, 'listening');
  onTestFinished(() => ingress.close());
  return { ingress, store, port: (ingress.server.address() as AddressInfo).port, facts, routed, handedOver, logged };
}

/** The source `castai`, with changes. */
export function source(changes: Partial<IngressSource> = {}): IngressSource {
  const verify: Verify = castai.prepare({ secrets: [...SECRETS], tolerance: 300_000, futureTolerance: 30_000 }, (problem) => {
    throw new Error(problem.what);
  });
  return { name: 'castai', path: '/webhooks/castai', verify, format: castaiEvent.bare, gzip: false, dedup: DEDUP, ...changes };
}

/** Headers that make a body authentic. */
export function signedHeaders(body: Buffer, secret = SECRETS[0] ?? ''): Record<string, string> {
  return { 'x-castai-timestamp': String(NOW_MS / 1000), 'x-castai-signature': signCastai(secret, NOW_MS / 1000, body) };
}

export function envelope(id: string, more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ id, type: 'resource.created', data: {}, created: '2026-01-12T09:24:07Z', ...more }));
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly agent?: Agent;
}

/** Sends one request and reads the whole answer. */
export async function ask(port: number, body: Buffer, { method = 'POST', path = '/webhooks/castai', headers, agent }: Asked = {}): Promise<Answered> {
  const request = httpRequest({ port, host: '127.0.0.1', method, path, headers: headers as OutgoingHttpHeaders, ...(agent ? { agent } : {}) });
  const answer = new Promise<Answered>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
  });
  request.end(body);
  return answer;
}

/** Posts an authentic body. */
export async function post(port: number, body: Buffer, more: Record<string, string> = {}): Promise<Answered> {
  return ask(port, body, { headers: { ...signedHeaders(body), ...more } });
}

/** The bytes of an authentic request. */
export function wire(body: Buffer, headers: Record<string, string | number> = { 'content-length': body.length, ...signedHeaders(body) }): Buffer {
  const lines = Object.entries({ host: 'bridge', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST /webhooks/castai HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}

/** A connection on which anything can be written, and all that came back on it. */
export interface RawConnection {
  readonly socket: Socket;
  readonly received: () => string;
  /** Resolves with all that came back, when the server has closed. */
  readonly closed: Promise<string>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', ignore);
  const received = () => Buffer.concat(chunks).toString('latin1');
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(received())));
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, received, closed };
}

/** Resolves when the server has no connection left. */
export async function noConnections({ ingress }: Harness): Promise<void> {
  while ((await connections(ingress)) > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function connections({ server }: Ingress): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
}

export function recorder(facts: Fact[]): Telemetry {
  const record = (kind: keyof Telemetry) => (fact: object) => void facts.push({ ...fact, kind });
  return {
    accepted: record('accepted'),
    duplicate: record('duplicate'),
    refused: record('refused'),
    misrouted: record('misrouted'),
    secretUsed: record('secretUsed'),
    attempted: record('attempted'),
    polled: record('polled'),
    pollFailed: record('pollFailed'),
    pollStopped: record('pollStopped'),
    pollEnded: record('pollEnded'),
    laneHeld: record('laneHeld'),
    lanePaused: record('lanePaused'),
    laneResumed: record('laneResumed'),
    backlogUnreadable: record('backlogUnreadable'),
    backlogReadable: record('backlogReadable'),
    laneEnded: record('laneEnded'),
    orphansKilled: record('orphansKilled'),
    reloaded: record('reloaded'),
    reloadRefused: record('reloadRefused'),
    committed: record('committed'),
    storeFailing: record('storeFailing'),
    storeRecovered: record('storeRecovered'),
    commitsLost: record('commitsLost'),
    storeDamaged: record('storeDamaged'),
    storeSalvaged: record('storeSalvaged'),
  };
}

function ignore(): void {
  // Nothing is expected of it.
}
