import { createHmac, randomBytes } from 'node:crypto';
import { Pool } from 'undici';
import { until } from '../e2e/serve.js';
import { pause } from './fault.js';
import { hashOf, type Posted } from './ledger.js';

/** Posts distinct signed events from many connections, and writes down what was acknowledged. */
export interface Load {
  readonly posted: ReadonlyMap<string, Posted>;
  /** Answers by status; `none`: the connection broke. */
  readonly answers: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  /** Resolves when so many more events were acknowledged. */
  more(count: number): Promise<void>;
  /** Posts one event that every sink is owed, until it is acknowledged. */
  fresh(): Promise<Posted>;
  /** The sender's clock, which signatures carry, in ms beside the true one. */
  shiftClock(offsetMs: number): void;
  /** Does something while no event is under way: after it, what is posted is owed by another table. */
  between(work: () => Promise<void>): Promise<void>;
  /** Posts nothing more; what is under way may end. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly url: string;
  readonly secret: string;
  readonly random: () => number;
  /** The sinks that an event of a type is owed to. */
  readonly owes: (type: string) => readonly string[];
  readonly connections: number;
  readonly perSecond: number;
}

const TYPES = ['resource.created', 'resource.updated', 'resource.deleted', 'alert.raised'];
/** Before an event that was not acknowledged is posted again. */
const AGAIN_MS = 40;
/** A sender that hears nothing hangs up, and posts again. */
const PATIENCE_MS = 15_000;
/** Of the acknowledged events, so many are posted once more: senders do. */
const TWICE = 0.03;

export function startLoad({ url, secret, random, owes, connections, perSecond }: LoadOptions): Load {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
  const posted = new Map<string, Posted>();
  const answers: Record<string, number> = {};
  const run = randomBytes(4).toString('hex');
  let acknowledged = 0;
  let offsetMs = 0;
  let stopped = false;
  let underWay = 0;
  let held = Promise.resolve();
  let ending: Promise<void> | undefined;

  const make = (type: string): { event: Posted; body: Buffer } => {
    const id = `evt_${run}_${posted.size}`;
    const body = bodyOf(id, type, random);
    const event = { id, hash: hashOf(body), sinks: owes(type), acknowledged: false };
    posted.set(id, event);
    return { event, body };
  };

  /** True where it was acknowledged. */
  const post = async (body: Buffer): Promise<boolean> => {
    const timestamp = String(Math.floor((Date.now() + offsetMs) / 1_000));
    const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
    try {
      const answer = await pool.request({
        path: pathname,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-castai-timestamp': timestamp, 'x-castai-signature': signature },
        body,
      });
      await answer.body.dump();
      answers[answer.statusCode] = (answers[answer.statusCode] ?? 0) + 1;
      return answer.statusCode === 200;
    } catch {
      answers['none'] = (answers['none'] ?? 0) + 1;
      return false;
    }
  };

  /** As a sender does: again and again, until it is acknowledged. */
  const deliver = async ({ event, body }: ReturnType<typeof make>, mayStop: () => boolean): Promise<void> => {
    while (!(await post(body))) {
      if (mayStop()) return;
      await pause(AGAIN_MS);
    }
    event.acknowledged = true;
    acknowledged += 1;
    if (random() < TWICE) await post(body);
  };

  const connection = async (): Promise<void> => {
    while (!stopped) {
      await held;
      const began = performance.now();
      underWay += 1;
      await deliver(make(TYPES[Math.floor(random() * TYPES.length)] ?? ''), () => stopped);
      underWay -= 1;
      await pause((connections / perSecond) * 1_000 - (performance.now() - began));
    }
  };
  const working = Array.from({ length: connections }, connection);

  return {
    posted,
    answers,
    get acknowledged() {
      return acknowledged;
    },
    more: async (count) => {
      const goal = acknowledged + count;
      await until(() => acknowledged >= goal);
    },
    fresh: async () => {
      const made = make('alert.raised');
      await deliver(made, () => false);
      return made.event;
    },
    between: async (work) => {
      let go = (): void => undefined;
      held = new Promise((resolve) => (go = resolve));
      try {
        await until(() => underWay === 0);
        await work();
      } finally {
        go();
      }
    },
    shiftClock: (ms) => {
      offsetMs = ms;
    },
    stop: () => {
      stopped = true;
      return (ending ??= Promise.all(working).then(() => pool.close()));
    },
  };
}

/** What JSON would change on the way, texts of any script, and now and then a large one. */
function bodyOf(id: string, type: string, random: () => number): Buffer {
  const size = random() < 0.02 ? 60_000 : Math.floor(random() * 2_000);
  const pad = random() < 0.5 ? 'x'.repeat(size) : 'é\u2028🦊'.repeat(size / 8);
  const cluster = Math.floor(random() * 7);
  return Buffer.from(
    `{"id":"${id}","type":"${type}","data":{"clusterId":"c-${cluster}","n":9007199254740993,"x":1e400,"n":1,"s":"\\ud800","pad":${JSON.stringify(pad)}},"created":"2026-01-12T09:24:07Z"}`,
  );
}
