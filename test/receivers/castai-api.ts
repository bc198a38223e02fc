import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An entry of the audit log. */
export interface Entry {
  readonly id: string;
  readonly eventType: string;
  /** RFC 3339, UTC, up to nanoseconds. */
  readonly time: string;
  readonly initiatedBy: { readonly id: string; readonly name: string };
  readonly event: object;
  readonly labels: { readonly clusterId?: string };
}

/** What is done with the next question, in the place of an answer. */
export type Trouble =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hangUp' };

/** Cast AI's API of the audit log and of notifications, as strict as its documentation: it refuses what that does not allow, and gives pages that overlap. */
export interface CastaiApi {
  readonly url: string;
  /** Its clock, ms. */
  nowMs: number;
  /** Entries an answer has at most, below what is asked for. */
  pageMax: number;
  /** So many entries of a page come again on the next one. */
  overlap: number;
  apiKey: string;
  readonly entries: Entry[];
  /** Notifications, with the time by which they are listed. */
  readonly notifications: { readonly id: string; readonly timestamp: string; readonly [key: string]: unknown }[];
  readonly troubles: Trouble[];
  /** The query of every question that was answered, or refused. */
  readonly asked: Record<string, string>[];
  readonly headers: IncomingMessage['headers'][];
  /** Cursors that were given lose their meaning. */
  forgetCursors(): void;
  goAway(): Promise<void>;
}

const DAY_MS = 86_400_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const KNOWN = ['page.limit', 'page.cursor', 'fromDate', 'toDate', 'clusterId'];

export async function startCastaiApi(nowMs: number): Promise<CastaiApi> {
  let cursors = new Map<string, readonly object[]>();
  let made = 0;
  const api: CastaiApi = {
    url: '',
    nowMs,
    pageMax: 1_000,
    overlap: 0,
    apiKey: 'api-key-0123456789abcdef',
    entries: [],
    notifications: [],
    troubles: [],
    asked: [],
    headers: [],
    forgetCursors: () => {
      cursors = new Map();
    },
    goAway: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://api');
    const query = Object.fromEntries(url.searchParams);
    api.asked.push(query);
    api.headers.push(request.headers);
    const say = (status: number, body: object | string, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', date: new Date(api.nowMs).toUTCString(), ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const trouble = api.troubles.shift();
    if (trouble?.kind === 'hangUp') return void request.socket.destroy();
    if (trouble?.kind === 'text') {
      say(200, trouble.text);
      return;
    }
    if (trouble?.kind === 'status') {
      say(trouble.status, { message: 'trouble' }, trouble.headers);
      return;
    }
    const isAudit = url.pathname === '/v1/audit';
    if (request.method !== 'GET' || !(isAudit || url.pathname === '/v1/notifications')) {
      say(404, { message: 'not found' });
      return;
    }
    if (request.headers['x-api-key'] !== api.apiKey) {
      say(401, { message: 'unauthorized' });
      return;
    }
    if (Object.keys(query).some((key) => !(isAudit ? KNOWN : KNOWN.slice(0, 2)).includes(key))) {
      say(400, { message: 'unknown parameter' });
      return;
    }
    const limit = Number(query['page.limit']);
    if (!Number.isInteger(limit) || limit < 10 || limit > 1_000) {
      say(400, { message: 'page.limit is from 10 to 1000' });
      return;
    }
    for (const key of ['fromDate', 'toDate'])
      if (query[key] !== undefined && !TIME.test(query[key])) {
        say(400, { message: `${key} is no time` });
        return;
      }
    const given = query['page.cursor'];
    const rest = given === undefined ? (isAudit ? selected(query) : listed()) : cursors.get(given);
    if (rest === undefined) {
      say(400, { message: 'unknown cursor' });
      return;
    }
    const size = Math.min(limit, api.pageMax);
    const items = rest.slice(0, size);
    const next = rest.slice(Math.max(1, size - api.overlap));
    if (rest.length <= size) {
      say(200, { items, nextCursor: '' });
      return;
    }
    const cursor = `cursor-${++made}`;
    cursors.set(cursor, next);
    say(200, { items, nextCursor: cursor });
  };

  /** Newest first, within 90 days. */
  const selected = ({ fromDate, toDate, clusterId }: Readonly<Record<string, string>>): Entry[] => {
    const [from, to] = [Date.parse(fromDate ?? '1970-01-01T00:00:00Z'), toDate === undefined ? Infinity : Date.parse(toDate)];
    return api.entries
      .filter(({ time, labels }) => {
        const at = Date.parse(time);
        return at >= from && at <= to && at > api.nowMs - 90 * DAY_MS && (clusterId === undefined || labels.clusterId === clusterId);
      })
      .toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
  };

  /** Newest first, of the last 24 hours. */
  const listed = (): readonly object[] =>
    api.notifications
      .filter(({ timestamp }) => Date.parse(timestamp) > api.nowMs - DAY_MS)
      .toSorted((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp));

  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(api, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

export function entryAt(id: string, timeMs: number, more: Partial<Entry> = {}): Entry {
  const time = new Date(timeMs).toISOString().replace('Z', '123456Z');
  return { id, eventType: 'nodeAdded', time, initiatedBy: { id: 'u', name: 'autoscaler' }, event: { n: id }, labels: { clusterId: 'c-1' }, ...more };
}
