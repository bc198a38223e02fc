import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What becomes of a produce request.
 * - `drop-request`: the broker never sees it, and the connection closes.
 * - `lose-answer`: the broker has stored it, and the connection closes.
 * - `no-answer`: the broker has stored it, and nothing else happens.
 * - `hold-request`, `hold-answer`: it waits for `release`.
 */
export type Fault = 'drop-request' | 'lose-answer' | 'no-answer' | 'hold-request' | 'hold-answer';

/** Stands in front of a broker, and is what the broker's clients take for it. */
export interface Proxy {
  readonly address: string;
  /** Connections that are open. */
  readonly connections: number;
  /** Connections that ever were. */
  readonly accepted: number;
  /** Produce requests seen. */
  readonly produced: number;
  /** Kinds of requests seen, by the numbers of Kafka's protocol. */
  readonly apis: ReadonlySet<number>;
  /** What produce requests asked to wait for: -1 is every replica that is in sync, 1 the leader alone, 0 nothing. */
  readonly acks: ReadonlySet<number>;
  /** The next produce requests go so, one each. */
  script(...faults: readonly Fault[]): void;
  /** Those without a fault of their own go so; null: as if nobody stood here. */
  otherwise(fault: Fault | null): void;
  /** Resolves when the broker has answered a produce request, or it was dropped or held. */
  nextProduce(): Promise<void>;
  /** Requests of this kind reach no broker from now on, and get no answer; null: all do. */
  withhold(api: number | null): void;
  /** How many were withheld. */
  readonly withheld: number;
  /** Lets go of everything that is held. */
  release(): void;
  /** No answer to anything any more, until `comeBack`. */
  hang(): Promise<void>;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const PRODUCE = 0;
const METADATA = 3;
const FIND_COORDINATOR = 10;
/** What consumers say of how far they are. */
export const OFFSET_COMMIT = 8;
/** What only idempotent and transactional producers ask for. */
export const INIT_PRODUCER_ID = 22;

/** One proxy a broker. Each replaces the ports of all of them in what brokers tell of their cluster. */
export async function startProxies(addresses: readonly string[]): Promise<Proxy[]> {
  const ports = new Map<number, number>();
  return Promise.all(addresses.map((address) => startProxy(address, ports)));
}

export async function startProxy(address: string, ports = new Map<number, number>()): Promise<Proxy> {
  const brokerPort = Number(address.split(':')[1]);
  const sockets = new Set<Socket>();
  const faults: Fault[] = [];
  let usual: Fault | null = null;
  const held: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const apis = new Set<number>();
  const acks = new Set<number>();
  let accepted = 0;
  let produced = 0;
  let hangs = false;
  let withholds: number | null = null;
  let withheld = 0;

  const happened = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const pass = (frame: Buffer, to: Socket): void => {
    if (hangs) held.push(() => to.write(frame));
    else to.write(frame);
  };

  const serve = (client: Socket): void => {
    accepted += 1;
    const broker = connect(brokerPort, '127.0.0.1');
    const close = (): void => {
      client.destroy();
      broker.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    for (const socket of [client, broker]) socket.on('error', close).on('close', close);

    /** By correlation id: what to do with the answer. */
    const answers = new Map<number, (frame: Buffer) => void>();
    client.on(
      'data',
      framed((request) => {
        const api = request.readInt16BE(4);
        const id = request.readInt32BE(8);
        apis.add(api);
        if (api === withholds) {
          withheld += 1;
          return;
        }
        if (api === METADATA || api === FIND_COORDINATOR) answers.set(id, (answer) => pass(redirected(answer, ports), client));
        if (api !== PRODUCE) return void broker.write(request);
        produced += 1;
        acks.add(acksOf(request));
        const fault = faults.shift() ?? usual;
        if (fault === 'drop-request') {
          close();
          happened();
          return;
        }
        answers.set(id, (answer) => {
          if (fault === 'lose-answer') close();
          else if (fault === 'hold-answer') held.push(() => pass(answer, client));
          else if (fault !== 'no-answer') pass(answer, client);
          happened();
        });
        if (fault !== 'hold-request') return void broker.write(request);
        held.push(() => broker.write(request));
        happened();
      }),
    );
    broker.on(
      'data',
      framed((answer) => {
        const id = answer.readInt32BE(4);
        const act = answers.get(id);
        answers.delete(id);
        if (act === undefined) pass(answer, client);
        else act(answer);
      }),
    );
  };

  let server: Server;
  const listen = async (port: number): Promise<number> => {
    server = createServer(serve);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const goAway = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const release = (): void => {
    for (const go of held.splice(0)) go();
  };
  const port = await listen(0);
  ports.set(brokerPort, port);

  return {
    address: `127.0.0.1:${port}`,
    get connections() {
      return sockets.size;
    },
    get accepted() {
      return accepted;
    },
    get produced() {
      return produced;
    },
    apis,
    acks,
    script: (...next) => void faults.push(...next),
    otherwise: (fault) => {
      usual = fault;
    },
    nextProduce: () => new Promise<void>((resolve) => waiting.push(resolve)),
    withhold: (api) => {
      withholds = api;
    },
    get withheld() {
      return withheld;
    },
    release,
    hang: () => {
      hangs = true;
      return Promise.resolve();
    },
    goAway,
    async comeBack() {
      hangs = false;
      release();
      if (!server.listening) await listen(port);
    },
    close: goAway,
  };
}

/** Cuts a stream into Kafka's frames: four bytes of length, and so many bytes. */
function framed(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      take(frame);
    }
  };
}

/** Behind the header, which ends with the client's name, and the name of a transaction. */
function acksOf(produce: Buffer): number {
  const transaction = 14 + Math.max(0, produce.readInt16BE(12));
  return produce.readInt16BE(transaction + 2 + Math.max(0, produce.readInt16BE(transaction)));
}

/** The port stands behind the host, in four bytes: another one fits in. */
function redirected(answer: Buffer, ports: ReadonlyMap<number, number>): Buffer {
  const host = Buffer.from('127.0.0.1');
  for (let at = answer.indexOf(host); at !== -1; at = answer.indexOf(host, at + 1)) {
    const port = answer.readInt32BE(at + host.length);
    answer.writeInt32BE(ports.get(port) ?? port, at + host.length);
  }
  return answer;
}
