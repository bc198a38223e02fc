import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { guard } from '../guard.js';
import { classPath } from './jars.js';

/** A broker in a process of its own. */
export interface Broker {
  /** `127.0.0.1:PORT` of its plain listener. */
  readonly address: string;
  /** The addresses of its further listeners. */
  readonly listeners: Readonly<Record<string, string>>;
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL where that is not heard. */
  stop(): Promise<void>;
  /** The same broker, after `kill` or `stop`. */
  start(): Promise<void>;
  /** SIGSTOP; resolves when it stands still. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Stops it, and removes all it has written. */
  close(): Promise<void>;
}

const READY_MS = 60_000;
const TERM_MS = 10_000;
/** All brokers of all tests; those that do not know each other's controllers never meet. */
const CLUSTER = 'castbridge-test-cluster';
const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

/** What a broker has beyond a plain listener. */
export interface BrokerOptions {
  /** Further listeners: name and protocol. */
  readonly listeners?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  /** Further arguments of the storage tool: `--add-scram`. */
  readonly format?: readonly string[];
}

/** Starts a broker on free loopback ports. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return startNode(1, [await freeAddress()], options);
}

/** Starts brokers that make one cluster, numbered from 1; every one is also a controller of it, and more than half of them must run. */
export async function startCluster(size: number, options: BrokerOptions = {}): Promise<Broker[]> {
  const controllers: string[] = [];
  while (controllers.length < size) controllers.push(await freeAddress());
  // Downloaded once, where it is not cached.
  await classPath();
  return Promise.all(controllers.map((_, index) => startNode(index + 1, controllers, options)));
}

/** `controllers` are the addresses of all nodes' controllers, in the order of their numbers. */
async function startNode(
  nodeId: number,
  controllers: readonly string[],
  { listeners = {}, properties = {}, format = [] }: BrokerOptions,
): Promise<Broker> {
  const jars = await classPath();
  const address = await freeAddress();
  const further: Record<string, string> = {};
  for (const name of Object.keys(listeners)) further[name] = await freeAddress();
  const folder = mkdtempSync(join(tmpdir(), 'castbridge-kafka-'));
  const config = join(folder, 'server.properties');
  const logFile = join(folder, 'log');
  const protocols = { PLAINTEXT: 'PLAINTEXT', CONTROLLER: 'PLAINTEXT', ...listeners };
  const clients = listed({ PLAINTEXT: address, ...further }, '://');
  const all: Record<string, string> = {
    ...standard,
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': controllers.map((controller, index) => `${index + 1}@${controller}`).join(','),
    listeners: `${clients},CONTROLLER://${controllers[nodeId - 1]}`,
    'advertised.listeners': clients,
    'listener.security.protocol.map': listed(protocols, ':'),
    'log.dirs': join(folder, 'data'),
    ...properties,
  };
  writeFileSync(config, listed(all, '=', '\n'));

  let java: ChildProcess;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (hasEnded(java)) return;
    const exited = once(java, 'exit');
    const killing = setTimeout(() => java.kill('SIGKILL'), TERM_MS);
    java.kill(signal);
    // A frozen process hears SIGTERM only when it goes on.
    java.kill('SIGCONT');
    await exited;
    clearTimeout(killing);
  };
  const start = async (): Promise<void> => {
    const log = openSync(logFile, 'a');
    java = spawn('java', [...JVM, '-cp', jars, 'kafka.Kafka', config], { stdio: ['ignore', log, log] });
    closeSync(log);
    const guarding = guard('kill -9 "$1"; rm -rf "$2"', String(java.pid), folder);
    java.once('exit', () => guarding.release());
    try {
      await ready(address, nodeId, java);
    } catch (error) {
      await end('SIGKILL');
      throw new Error(`the broker did not start; the end of its log:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`, { cause: error });
    }
  };

  const broker: Broker = {
    address,
    listeners: further,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    freeze: async () => {
      java.kill('SIGSTOP');
      while (!standsStill(java.pid ?? 0)) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    thaw: () => void java.kill('SIGCONT'),
    async close() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await promisify(execFile)('java', [...JVM, '-cp', jars, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', config, ...format]);
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return broker;
}

/** A signal is heard a moment after it was sent, and each thread answers a little longer. */
function standsStill(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => /^\d+ \(.*\) T/.test(readFileSync(join(tasks, task, 'stat'), 'utf8')));
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Ready is the first answer that lists the broker itself. */
async function ready(address: string, nodeId: number, java: ChildProcess): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  for (const deadlineMs = Date.now() + READY_MS; Date.now() < deadlineMs && !hasEnded(java);) {
    try {
      await admin.connect();
      if ((await admin.describeCluster()).brokers.some((broker) => broker.nodeId === nodeId)) return;
    } catch {
      // Not yet.
    } finally {
      await admin.disconnect();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(hasEnded(java) ? 'the process ended' : `no answer within ${READY_MS} ms`);
}

/** Below the ports that outgoing connections use: one of them could sit there when the broker starts again. */
async function freeAddress(): Promise<string> {
  const port = randomInt(20_000, 32_000);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return freeAddress();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

function listed(pairs: Readonly<Record<string, string>>, between: string, after = ','): string {
  return Object.entries(pairs)
    .map((pair) => pair.join(between))
    .join(after);
}

/** As small as it goes, and nothing that waits. */
const standard: Readonly<Record<string, string>> = {
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'background.threads': '2',
  'log.cleaner.dedupe.buffer.size': '2097152',
  // Records of tests are of a day long past: 30 s after its start, and every five minutes, a broker would delete them.
  'log.retention.ms': '-1',
};
