import { Kafka, type CompressionTypes, type ISocketFactoryArgs, type KafkaConfig, type Message as KafkaMessage } from 'kafkajs';
import type { PartitionMetadata, Producer, RecordMetadata } from 'kafkajs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Connecting, logging in and learning what partitions there are, all together: a frozen broker accepts connections, and then says nothing. */
const OPEN_MS = 10_000;
/** How long the broker may wait for its replicas: a share of the sink's timeout, which is what a send may take as a whole, with a connection to another leader in it. */
const REPLICAS = 4 / 6;
/** Longer than that, so that the broker's own answer comes first. What times out here may still be stored. */
const REQUEST = 5 / 6;
const KEEP_ALIVE_MS = 60_000;
/** How late a partition that was added is noticed. */
const METADATA_MS = 300_000;
/** A partition that no topic has. */
const NOWHERE = -1;

/**
 * One producer of one topic, and every connection that it opened. It is used until something fails, and is then thrown away
 * whole. kafkajs would mend it: it connects again before it says that a send has failed, leaves connections open where
 * connecting fails half-way, and puts no bound on a login.
 */
export class Session {
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #sockets = new Set<Socket>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Why it is of no use any more. */
  #loss: unknown = null;
  #partitions: PartitionMetadata[] = [];
  readonly #connected: Promise<unknown>;
  readonly #timeoutMs: number;

  constructor(topic: string, config: KafkaConfig, timeoutMs: number) {
    this.#topic = topic;
    this.#timeoutMs = timeoutMs;
    const { connectionTimeout: openMs = OPEN_MS } = config;
    const kafka = new Kafka({
      requestTimeout: timeoutMs * REQUEST,
      ...config,
      // At client level: the producer's own setting does not reach connecting. Retries are the bridge's, and durable: kafkajs loses
      // events when it repeats a send, and writes a frozen broker's batch four times.
      retry: { retries: 0 },
      connectionTimeout: openMs,
      authenticationTimeout: openMs,
      socketFactory: (destination) => this.#socketTo(destination),
    });
    this.#producer = kafka.producer({
      // In idempotent mode kafkajs reports OK for events that are not in the log. Without it, what is sent again has the same delivery id.
      idempotent: false,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_MS,
      createPartitioner: () => (known) => {
        this.#partitions = known.partitionMetadata;
        return known.message.partition ?? NOWHERE;
      },
    });
    this.#connected = this.#tracked(this.#bounded(this.#connect(), openMs, 'not connected'));
    this.#connected.catch((error: unknown) => this.#lose(error));
  }

  /** False once anything was lost. */
  get usable(): boolean {
    return this.#loss === null;
  }

  /** The partitions as its producer knows them. */
  async partitions(): Promise<PartitionMetadata[]> {
    await this.#connected;
    return this.#partitions;
  }

  /** Sends records of one partition, once, and waits for all replicas that are in sync. */
  send(messages: KafkaMessage[], compression: CompressionTypes): Promise<RecordMetadata[]> {
    const timeout = Math.ceil(this.#timeoutMs * REPLICAS);
    const send = (): Promise<RecordMetadata[]> => this.#producer.send({ topic: this.#topic, acks: -1, timeout, compression, messages });
    return this.#tracked(this.#connected.then(() => this.#bounded(send(), this.#timeoutMs, 'no answer')));
  }

  /** Lets what is under way come to its end, then closes every connection. Called after the last `send` was. */
  async end(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#producer.disconnect().catch(() => undefined);
    this.cut('the session is over');
  }

  /** Closes every connection at once; what is under way fails. */
  cut(why: string): void {
    const error = Object.assign(new Error(why), { code: 'ETIMEDOUT' });
    this.#lose(error);
    // kafkajs hears of an error, and of nothing else. It needs none where it has hung up itself.
    for (const socket of this.#sockets) socket.destroy(socket.writableEnded ? undefined : error);
  }

  async #connect(): Promise<void> {
    await this.#producer.connect();
    // kafkajs tells the partitions to its partitioner alone. Nothing is sent: to a partition that is not there, it sends nothing and says OK.
    // Its admin client would tell them too, but asks any broker of the cluster, and fails where that one is down.
    await this.#producer.send({ topic: this.#topic, messages: [{ value: null }] });
  }

  #socketTo({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    if (this.#loss !== null) throw this.#loss as Error;
    // The types do not say it: without TLS, `ssl` is absent.
    const socket = (ssl as unknown)
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.once('error', (error) => this.#lose(error));
    socket.once('end', () => {
      if (!socket.writableEnded) this.#lose(new Error('the broker closed the connection'));
    });
    return socket;
  }

  #lose(error: unknown): void {
    this.#loss ??= error;
  }

  /** `end` waits for it. */
  #tracked<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    const forget = (): void => void this.#underWay.delete(work);
    work.then(forget, forget);
    return work;
  }

  /** The work, or its failure when it takes too long. */
  #bounded<Result>(work: Promise<Result>, ms: number, what: string): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const late = setTimeout(() => {
        const why = `${what} within ${ms / 1_000} s`;
        reject(Object.assign(new Error(why), { code: 'ETIMEDOUT' }));
        this.cut(why);
      }, ms);
      work.then(resolve, reject).finally(() => clearTimeout(late));
    });
  }
}
