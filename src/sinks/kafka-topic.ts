import { CompressionTypes, Partitioners, type Kafka, type Message as KafkaMessage, type PartitionMetadata, type Producer } from 'kafkajs';
import type { Outcome } from '../core/outcome.js';
import { faultOf } from './kafka-outcome.js';

/** The broker's limit is on a batch: 1,048,588 bytes by default. */
const SEND_BYTES_MAX = 900_000;
/** What a record costs beside key, value and headers, generously. */
const RECORD_OVERHEAD_BYTES = 100;
/** A connected kafkajs producer spins about 880 timers a second. */
const IDLE_MS = 30_000;
/** How late a partition that was added is noticed. */
const PARTITIONS_MS = 300_000;
/** How long the broker may wait for its replicas. */
const REPLICAS_MS = 20_000;

/**
 * One topic and the one producer it has: after a topic that a shared producer used is deleted, every other topic of that
 * producer fails too. One partition a send, one send in flight for each partition: a send that spans partitions mixes up
 * their answers when leaders move, and two in flight can change places.
 */
export class TopicWriter {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #compression: CompressionTypes;
  readonly #partition = Partitioners.DefaultPartitioner();
  readonly #tails = new Map<number, Promise<unknown>>();
  #producer: Promise<Producer> | null = null;
  #partitions: { readonly list: readonly PartitionMetadata[]; readonly readMs: number } | null = null;
  #underWay = 0;
  #idle: NodeJS.Timeout | undefined;
  readonly #leaving = new Set<Promise<unknown>>();

  constructor(kafka: Kafka, topic: string, compression: 'none' | 'gzip') {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#compression = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  }

  /** One outcome a record, in order. What the signal cuts short is a timeout, though the broker may still store it. */
  async send(records: readonly KafkaMessage[], signal: AbortSignal): Promise<Outcome[]> {
    this.#underWay += 1;
    clearTimeout(this.#idle);
    const ended = this.#sendAll(records).finally(() => {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle = setTimeout(() => this.#discard(), IDLE_MS).unref();
    });
    return Promise.race([ended, expired(records.length, signal)]);
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    this.#discard();
    await Promise.all(this.#leaving);
  }

  async #sendAll(records: readonly KafkaMessage[]): Promise<Outcome[]> {
    let byPartition: Map<number, number[]>;
    try {
      byPartition = this.#assign(records, await this.#partitionsNow());
    } catch (error) {
      return records.map(() => faultOf(error).outcome);
    }
    const outcomes: Outcome[] = [];
    await Promise.all(
      [...byPartition].map(([partition, indexes]) =>
        this.#afterOthers(partition, async () => {
          const sent = await this.#sendInOrder(
            partition,
            indexes.flatMap((index) => records[index] ?? []),
          );
          indexes.forEach((index, place) => (outcomes[index] = sent[place] ?? { kind: 'retry', reason: 'unconfirmed', answer: '' }));
        }),
      ),
    );
    return outcomes;
  }

  /** Indexes of the records by partition: equal to what Java's producer chooses, for those with a key. */
  #assign(records: readonly KafkaMessage[], partitionMetadata: readonly PartitionMetadata[]): Map<number, number[]> {
    const byPartition = new Map<number, number[]>();
    // Records without a key share a partition a batch: half the sends, and no order to keep.
    let keyless: number | null = null;
    records.forEach((message, index) => {
      const choose = (): number => this.#partition({ topic: this.#topic, partitionMetadata: [...partitionMetadata], message });
      const partition = message.key === null || message.key === undefined ? (keyless ??= choose()) : choose();
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), index]);
    });
    return byPartition;
  }

  /** Runs when every earlier send to the partition has ended, also one whose signal cut it short. */
  #afterOthers<Result>(partition: number, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.#tails.get(partition) ?? Promise.resolve()).then(work);
    const tail = turn.catch(() => undefined);
    this.#tails.set(partition, tail);
    return turn;
  }

  async #sendInOrder(partition: number, records: readonly KafkaMessage[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const part of partsOf(records)) {
      const sent = await this.#sendPart(partition, part);
      outcomes.push(...sent);
      const last = sent.at(-1);
      // What follows would overtake what failed.
      if (last?.kind === 'retry') return [...outcomes, ...records.slice(outcomes.length).map(() => last)];
    }
    return outcomes;
  }

  /** One send, divided where the broker refuses a record of it: that one alone is rejected. */
  async #sendPart(partition: number, records: readonly KafkaMessage[]): Promise<Outcome[]> {
    const fault = await this.#produce(partition, records);
    if (fault === null) return records.map(() => ({ kind: 'delivered', answer: `${this.#topic}[${partition}]` }));
    if (fault.divide && records.length > 1) {
      const half = Math.ceil(records.length / 2);
      return [...(await this.#sendPart(partition, records.slice(0, half))), ...(await this.#sendPart(partition, records.slice(half)))];
    }
    if (!fault.divide) this.#discard();
    return records.map(() => fault.outcome);
  }

  /** Null: the broker confirmed it (`acks` of all replicas), for this topic and this partition. kafkajs resolves with less where it wrote nothing. */
  async #produce(partition: number, records: readonly KafkaMessage[]): Promise<ReturnType<typeof faultOf> | null> {
    try {
      const producer = await this.#connected();
      const messages = records.map((record) => ({ ...record, partition }));
      const results = await producer.send({ topic: this.#topic, acks: -1, timeout: REPLICAS_MS, compression: this.#compression, messages });
      const confirmed = results.some((result) => result.topicName === this.#topic && result.partition === partition && result.errorCode === 0);
      if (confirmed) return null;
      return {
        divide: false,
        outcome: { kind: 'retry', reason: 'unconfirmed', answer: `the answer does not name ${this.#topic}[${partition}]`, holdSink: false },
      };
    } catch (error) {
      return faultOf(error);
    }
  }

  /** Never idempotent: in that mode kafkajs reports OK for events that are not in the log. A repeated delivery carries the same delivery id. */
  #connected(): Promise<Producer> {
    this.#producer ??= (async () => {
      const producer = this.#kafka.producer({ idempotent: false, allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      return producer;
    })();
    return this.#producer;
  }

  async #partitionsNow(): Promise<readonly PartitionMetadata[]> {
    if (this.#partitions !== null && Date.now() - this.#partitions.readMs < PARTITIONS_MS) return this.#partitions.list;
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [this.#topic] });
      const list = topics.find((topic) => topic.name === this.#topic)?.partitions ?? [];
      if (list.length === 0) throw new Error(`the broker names no partition of ${this.#topic}`);
      this.#partitions = { list, readMs: Date.now() };
      return list;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** After a fault, and when idle: the next send connects anew, with what the cluster looks like then. `disconnect` waits for sends in flight. */
  #discard(): void {
    const producer = this.#producer;
    this.#producer = null;
    this.#partitions = null;
    if (producer === null) return;
    const left = producer.then((old) => old.disconnect()).catch(() => undefined);
    this.#leaving.add(left);
    void left.then(() => this.#leaving.delete(left));
  }
}

/** Records in order, in parts that fit into a batch; one that is too large is a part of its own. */
export function partsOf(records: readonly KafkaMessage[]): KafkaMessage[][] {
  const parts: KafkaMessage[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = sizeOf(record);
    if (bytes + size > SEND_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(record);
    bytes += size;
  }
  return parts;
}

function sizeOf({ key, value, headers = {} }: KafkaMessage): number {
  const text = Object.entries(headers).reduce((sum, [name, header]) => sum + name.length + String(header).length * 3, 0);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + text;
}

function expired(count: number, signal: AbortSignal): Promise<Outcome[]> {
  const timeout: Outcome = { kind: 'retry', reason: 'timeout', answer: 'no answer in time; the broker may still store it' };
  const outcomes = Array.from({ length: count }, () => timeout);
  return new Promise((resolve) => {
    if (signal.aborted) resolve(outcomes);
    signal.addEventListener('abort', () => resolve(outcomes), { once: true });
  });
}
