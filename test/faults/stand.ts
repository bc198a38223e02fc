import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startHttpReceiver, type HttpReceiver } from '../receivers/http-receiver.js';
import { startSlackStandIn, type SlackStandIn } from '../receivers/slack-stand-in.js';
import { served, until, type Served } from '../e2e/serve.js';
import { configurationOf, owedBy, type Places, type Variant } from './configuration.js';
import { pause, type Need } from './fault.js';
import { openKafka, type Brokers, type KafkaStand } from './kafka.js';
import { hashOf, type Arrival, type Row } from './ledger.js';
import { startLoad, type Load } from './load.js';
import { shimmed, type Shim } from './shim/shim.js';
import { mountSmallDisk, type SmallDisk } from './small-disk.js';

/** The built bridge in a process of its own, under load, with receivers that write down what arrives. */
export interface Stand {
  readonly bridge: Served;
  readonly load: Load;
  readonly random: () => number;
  /** How often a fault that kills the process does so. */
  readonly kills: number;
  /** Several faults strike at once. */
  readonly mixed: boolean;
  /** The HTTP sink that faults strike at. */
  readonly inventory: HttpReceiver;
  /** One that always works. */
  readonly audit: HttpReceiver;
  readonly slack: SlackStandIn;
  /** Null: without Kafka. */
  readonly kafka: KafkaStand | null;
  /** Null where no fault needs it. */
  readonly disk: SmallDisk | null;
  readonly shim: Shim | null;
  /** The database's file. */
  readonly database: string;
  /** kill -9, and a start that waits until it listens: another fault may keep it from being ready. */
  readonly crash: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Writes another configuration, and sends SIGHUP. From now on events are owed by its table. */
  readonly reload: (variant: Variant) => void;
  /** Another configuration, for a fault that brings it to the bridge in its own way. From now on events are owed by its table. */
  readonly configuration: (variant: Variant) => string;
  /** Resolves when an event that was posted now is delivered at every sink. */
  recovered(): Promise<void>;
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
  /** All deliveries, or those that a query of the operators' API names. */
  rows(query?: string): Promise<Row[]>;
  /** All deliveries, and whether the operators' API says that their events are not what was received. */
  rowsWithDamage(): Promise<Row[]>;
  arrivals(): Promise<Arrival[]>;
  close(): Promise<void>;
}

/** A page of `/api/deliveries`. */
interface Listing {
  readonly deliveries: readonly Row[];
  readonly next: string | null;
}

export interface StandOptions {
  readonly random: () => number;
  readonly kills: number;
  readonly mixed: boolean;
  /** Null: without Kafka. */
  readonly brokers: Brokers | null;
  readonly needs: readonly Need[];
}

const CONNECTIONS = 24;
const PER_SECOND = 500;
const ASKED_MAX = 600;
const ASKED_AGAIN_MS = 100;

export async function openStand({ random, kills, mixed, brokers, needs }: StandOptions): Promise<Stand> {
  const disk = needs.includes('small-disk') ? await mountSmallDisk() : null;
  const data = join(disk?.folder ?? mkdtempSync(join(tmpdir(), 'castbridge-data-')), 'data');
  const shim = needs.includes('shim') ? await shimmed(data) : null;
  const secret = randomBytes(24).toString('hex');
  const kafka = brokers === null ? null : await openKafka(await brokers.forNeeds(needs), needs);
  // A port can be one that another program on this machine still sends to: what comes by another path is not ours.
  const path = `/${randomBytes(6).toString('hex')}`;
  const [inventory, audit, slack] = [await startHttpReceiver(), await startHttpReceiver(), await startSlackStandIn()];
  const events = `type: kafka, brokers: ${JSON.stringify(kafka?.addresses)}, topic: "${kafka?.topic}", key: event.cluster.id${needs.includes('kafka-timeouts') ? '' : ', timeout: 2s'}`;
  const places: Places = {
    secret,
    inventory: `${inventory.url}${path}`,
    audit: `${audit.url}${path}`,
    slack: slack.webhookUrl,
    events: kafka === null ? null : events,
  };
  let variant: Variant = {};
  const bridge = await served(configurationOf(places), { logLevel: 'warn', data, env: shim?.env ?? {} });
  await bridge.start();
  const owes = (type: string): string[] => owedBy(type, places, variant);
  const load = startLoad({ url: bridge.url, secret, random, owes, connections: CONNECTIONS, perSecond: PER_SECOND });

  /** A bridge that is down, or whose store is, is asked again. */
  const api = async <Answer = Listing>(path: string): Promise<Answer> => {
    for (let asked = 0; asked < ASKED_MAX; asked++) {
      const answer = await fetch(`${bridge.operations}${path}`).catch(() => null);
      if (answer?.ok === true) return (await answer.json()) as Answer;
      const ended = bridge.ended();
      if (ended !== null) throw new Error(ended);
      await pause(ASKED_AGAIN_MS);
    }
    throw new Error(`the operators' API does not answer ${path}`);
  };
  const rows = async (query = ''): Promise<Row[]> => {
    const all: Row[] = [];
    for (let before: string | null = ''; before !== null;) {
      const page: Listing = await api(`/api/deliveries?limit=1000&${query}${before === '' ? '' : `&before=${before}`}`);
      all.push(...page.deliveries);
      before = page.next;
    }
    return all;
  };

  const start = async (): Promise<void> => {
    bridge.spawn();
    await until(() => {
      const how = bridge.ended();
      // A SIGHUP that comes before the process listens to signals ends it; a supervisor starts it again.
      if (how?.includes('SIGHUP') === true) bridge.spawn();
      else if (how !== null) throw new Error(how);
      return bridge.isUp();
    });
  };

  const configuration = (next: Variant): string => {
    variant = next;
    return configurationOf(places, next);
  };

  return {
    bridge,
    load,
    random,
    kills,
    mixed,
    inventory,
    audit,
    slack,
    kafka,
    disk,
    shim,
    database: join(data, 'bridge.db'),
    crash: async () => {
      await bridge.kill();
      await start();
    },
    start,
    reload: (next) => {
      bridge.write(configuration(next));
      bridge.signal('SIGHUP');
    },
    configuration,
    recovered: async () => {
      const { id } = await load.fresh();
      await until(async () => {
        const answer = await fetch(`${bridge.operations}/api/events/${id}`).catch(() => null);
        if (answer?.ok !== true) return false;
        const { events } = (await answer.json()) as { events: { deliveries: Row[] }[] };
        return events[0]?.deliveries.every((row) => row.state !== 'waiting') === true;
      });
    },
    drained: () =>
      until(async () => {
        const { deliveries, next } = await api('/api/deliveries?state=waiting&limit=1');
        return deliveries.length === 0 && next === null;
      }),
    rows,
    async rowsWithDamage() {
      const all = await rows();
      const damaged = new Map<string, boolean>();
      for (const { event, id } of all) {
        if (damaged.has(event)) continue;
        const { events } = await api<{ events: { damaged: boolean }[] }>(`/api/events/${id}`);
        damaged.set(
          event,
          events.some((story) => story.damaged),
        );
      }
      return all.map((row) => ({ ...row, damaged: damaged.get(row.event) === true }));
    },
    arrivals: async () => [
      ...arrivedBy('inventory', inventory, path),
      ...arrivedBy('audit', audit, path),
      ...slack.posted.map(({ text }) => ({ sink: 'ops', eventId: text ?? '', deliveryId: null, hash: null })),
      ...((await kafka?.arrivals()) ?? []),
    ],
    close: async () => {
      await load.stop();
      await bridge.cleanUp();
      await Promise.all([inventory.goAway(), audit.goAway(), slack.goAway()]);
      shim?.cleanUp();
      await disk?.close();
      await kafka?.close();
      rmSync(dirname(data), { recursive: true, force: true });
    },
  };
}

/** What the receiver refused has not arrived. */
function arrivedBy(sink: string, { received }: HttpReceiver, path: string): Arrival[] {
  return received
    .filter((one) => !one.refused && one.path === path)
    .map(({ headers, body }) => ({
      sink,
      eventId: String(headers['castbridge-event-id']),
      deliveryId: String(headers['castbridge-delivery-id']),
      hash: hashOf(body),
    }));
}
