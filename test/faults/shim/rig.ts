import { onTestFinished } from 'vitest';
import { postSigned, served, until, type Served } from '../../e2e/serve.js';
import { startHttpReceiver, type HttpReceiver } from '../../receivers/http-receiver.js';
import { directory } from '../../stores/sqlite-rig.js';
import { shimmed, type Shim } from './shim.js';

const SECRET = 'shim-0123456789abcdef0123456789abcdef';
const CONNECTIONS = 32;
/** A round's load ends here, whatever the speed of the machine. */
const EVENTS_MAX = 20_000;

/** What was posted, and what became of it. */
export interface Load {
  /** Bodies by id, of events that were answered 200. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Posts, by the status of their answer; 0: none came. */
  readonly answers: ReadonlyMap<number, number>;
  /** Posts one event, by a sender whose clock is that far ahead; its status. */
  post(id: string, aheadMs?: number): Promise<number>;
  /** Keeps 32 connections busy until it is called off. */
  begin(): { end(): Promise<void> };
}

/** The built bridge over the shim, and the far side of its one sink. `retry` is in YAML. */
export async function shimmedBridge(retry = '{ initial: 20ms, max: 200ms, attempts: 1000, maxAge: 1h }') {
  const receiver = await startHttpReceiver();
  onTestFinished(() => receiver.goAway());
  const data = directory();
  const shim = await shimmed(data);
  onTestFinished(() => shim.cleanUp());
  const bridge = await served(
    `
sources: { castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${SECRET}"] }, format: castai-event } }
sinks: { inventory: { type: http, url: "${receiver.url}", retry: ${retry} } }
routes: [{ to: [inventory] }]
`,
    { data, env: shim.env },
  );
  onTestFinished(() => bridge.cleanUp());
  return { bridge, shim, receiver, load: loadOn(bridge) };
}

function loadOn(bridge: Served): Load {
  const acknowledged = new Map<string, string>();
  const answers = new Map<number, number>();
  let next = 0;
  const post = async (id: string, aheadMs = 0): Promise<number> => {
    const body = JSON.stringify({ id, type: 'resource.created', data: { text: id.repeat(1 + ((next * 37) % 1_000)) } });
    const { status } = await postSigned(bridge.url, SECRET, Buffer.from(body), '', Date.now() + aheadMs).catch(() => ({ status: 0 }));
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status === 200) acknowledged.set(id, body);
    return status;
  };
  const begin = (): { end(): Promise<void> } => {
    let ended = false;
    const last = next + EVENTS_MAX;
    const sender = async (): Promise<void> => {
      while (!ended && next < last) await post(`evt_${next++}`);
    };
    const senders = Array.from({ length: CONNECTIONS }, sender);
    return {
      end: async () => {
        ended = true;
        await Promise.all(senders);
      },
    };
  };
  return { acknowledged, answers, post, begin };
}

/** SIGKILL, and at that moment the power of the disk. */
export async function cutPower(bridge: Served, shim: Shim, random: () => number): Promise<void> {
  await bridge.kill();
  shim.powerCut(random);
}

/** Ids of acknowledged events that the store does not have. */
export async function lost(bridge: Served, { acknowledged }: Load): Promise<string[]> {
  const kept = new Set<string>();
  for (let before = ''; ;) {
    const answer = await fetch(`${bridge.operations}/api/deliveries?limit=1000${before}`);
    const page = (await answer.json()) as { deliveries: { eventId: string }[]; next: string | null };
    for (const { eventId } of page.deliveries) kept.add(eventId);
    if (page.next === null) break;
    before = `&before=${page.next}`;
  }
  return [...acknowledged.keys()].filter((id) => !kept.has(id));
}

/** Ends when nothing waits any more. Ids of acknowledged events that did not reach the receiver as they were posted. */
export async function undelivered(bridge: Served, { acknowledged }: Load, receiver: HttpReceiver): Promise<string[]> {
  await until(async () => {
    const answer = await fetch(`${bridge.operations}/api/deliveries?state=waiting&limit=1`);
    return ((await answer.json()) as { deliveries: unknown[] }).deliveries.length === 0;
  });
  const bodies = new Map(receiver.received.map(({ headers, body }) => [headers['castbridge-event-id'], body.toString()]));
  return [...acknowledged].filter(([id, body]) => bodies.get(id) !== body).map(([id]) => id);
}
