import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Broker } from '../kafka/broker.js';
import { createTopic, readTopic } from '../kafka/topics.js';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { served, until, type Served } from '../e2e/serve.js';
import { hashOf, type Arrival, type Row } from './ledger.js';
import type { Need } from './fault.js';
import { startLoad, type Load } from './load.js';
import { shimmed, type Shim } from './shim/shim.js';
import { mountSmallDisk, type SmallDisk } from './small-disk.js';

/** The built bridge in a process of its own, under load, with receivers that write down what arrives. */
export interface Stand {
  readonly bridge: Served;
  readonly load: Load;
  readonly random: () => number;
  /** The HTTP sink that faults strike at. */
  readonly inventory: HttpReceiver;
  /** One that always works. */
  readonly audit: HttpReceiver;
  readonly slack: SlackStandIn;
  /** Null: without Kafka. */
  readonly broker: Broker | null;
  /** Null where no fault needs it. */
  readonly disk: SmallDisk | null;
  readonly shim: Shim | null;
  /** kill -9, and a start that waits until it listens: another fault may keep it from being ready. */
  readonly crash: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Resolves when an event that was posted now is delivered at every sink. */
  recovered(): Promise<void>;
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
  rows(): Promise<Row[]>;
  arrivals(): Promise<Arrival[]>;
  close(): Promise<void>;
}

export interface StandOptions {
  readonly random: () => number;
  readonly broker: Broker | null;
  readonly needs: readonly Need[];
}

const CONNECTIONS = 24;
const PER_SECOND = 500;

/** Everything in time: a fault that is over must be seen to be over. */
const RETRY = 'retry: { initial: 50ms, max: 500ms, attempts: 100000, maxAge: 12h }, timeout: 2s';

/** What an event of a type is owed to, by the table below. */
function owedBy(type: string, withKafka: boolean): string[] {
  return ['inventory', 'audit', ...(withKafka ? ['events'] : []), ...(type === 'alert.raised' ? ['ops'] : [])];
}

export async function openStand({ random, broker, needs }: StandOptions): Promise<Stand> {
  const disk = needs.includes('small-disk') ? await mountSmallDisk() : null;
  const data = join(disk?.folder ?? mkdtempSync(join(tmpdir(), 'castbridge-data-')), 'data');
  const shim = needs.includes('shim') ? await shimmed(data) : null;
  const secret = randomBytes(24).toString('hex');
  const topic = broker === null ? null : await createTopic([broker.address], 3);
  const [inventory, audit, slack] = [await startHttpReceiver(), await startHttpReceiver(), await startSlackStandIn()];
  const events = `  events: { type: kafka, brokers: ["${broker?.address}"], topic: "${topic}", key: event.cluster.id, ${RETRY} }`;
  const yaml = `
sources:
  castai: { path: /webhooks/castai, verify: { type: castai, secrets: ["${secret}"] }, format: castai-event }
sinks:
  inventory: { type: http, url: "${inventory.url}/", ${RETRY} }
  audit: { type: http, url: "${audit.url}/", ${RETRY} }
  ops: { type: slack, webhookUrl: "${slack.webhookUrl}", text: "{{ event.id }}", pace: 500/s, ${RETRY} }
${broker === null ? '' : events}
routes:
  - { name: all, match: { type: "*" }, to: [inventory, audit${broker === null ? '' : ', events'}] }
  - { name: alerts, match: { type: "alert.*" }, to: [ops] }
`;
  const bridge = await served(yaml, { logLevel: 'warn', data, env: shim?.env ?? {} });
  await bridge.start();
  const owes = (type: string): string[] => owedBy(type, broker !== null);
  const load = startLoad({ url: bridge.url, secret, random, owes, connections: CONNECTIONS, perSecond: PER_SECOND });

  const api = async (path: string): Promise<{ deliveries: Row[]; next: string | null }> => {
    const answer = await fetch(`${bridge.operations}${path}`);
    return (await answer.json()) as { deliveries: Row[]; next: string | null };
  };
  const rows = async (): Promise<Row[]> => {
    const all: Row[] = [];
    for (let before: string | null = ''; before !== null;) {
      const page = await api(`/api/deliveries?limit=1000${before === '' ? '' : `&before=${before}`}`);
      all.push(...page.deliveries);
      before = page.next;
    }
    return all;
  };

  const start = async (): Promise<void> => {
    bridge.spawn();
    await until(() => {
      const how = bridge.ended();
      if (how !== null) throw new Error(how);
      return bridge.isUp();
    });
  };

  return {
    bridge,
    load,
    random,
    inventory,
    audit,
    slack,
    broker,
    disk,
    shim,
    crash: async () => {
      await bridge.kill();
      await start();
    },
    start,
    recovered: async () => {
      const { id } = await load.fresh();
      await until(async () => {
        const answer = await fetch(`${bridge.operations}/api/events/${id}`).catch(() => null);
        if (answer?.ok !== true) return false;
        const { events } = (await answer.json()) as { events: { deliveries: Row[] }[] };
        return events[0]?.deliveries.every((row) => row.state !== 'waiting') === true;
      });
    },
    drained: () => until(async () => (await api('/api/deliveries?state=waiting&limit=1')).deliveries.length === 0),
    rows,
    arrivals: async () => [
      ...arrivedBy('inventory', inventory),
      ...arrivedBy('audit', audit),
      ...slack.posted.map(({ text }) => ({ sink: 'ops', eventId: text ?? '', deliveryId: null, hash: null })),
      ...(broker === null || topic === null ? [] : await readTopic([broker.address], topic)).map(({ headers, value }) => ({
        sink: 'events',
        eventId: headers['castbridge-event-id'] ?? '',
        deliveryId: headers['castbridge-delivery-id'] ?? '',
        hash: hashOf(value ?? Buffer.alloc(0)),
      })),
    ],
    close: async () => {
      await load.stop();
      await bridge.cleanUp();
      await Promise.all([inventory.goAway(), audit.goAway(), slack.goAway()]);
      shim?.cleanUp();
      await disk?.close();
      rmSync(dirname(data), { recursive: true, force: true });
    },
  };
}

/** What the receiver refused has not arrived. */
function arrivedBy(sink: string, { received }: HttpReceiver): Arrival[] {
  return received
    .filter(({ refused }) => !refused)
    .map(({ headers, body }) => ({
      sink,
      eventId: String(headers['castbridge-event-id']),
      deliveryId: String(headers['castbridge-delivery-id']),
      hash: hashOf(body),
    }));
}
