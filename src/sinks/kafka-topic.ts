import { CompressionTypes, Partitioners, type Message as KafkaMessage, type PartitionMetadata } from 'kafkajs';
import type { Outcome } from '../core/outcome.js';
import { faultOf, type SendFault } from './kafka-outcome.js';
import type { Session } from './kafka-session.js';

/** The broker's limit is on a batch: 1,048,588 bytes by default. */
const SEND_BYTES_MAX = 900_000;
/** What a record costs beside key, value and headers, generously. */
const RECORD_OVERHEAD_BYTES = 100;
/** A connected kafkajs producer spins about 880 timers a second. */
const IDLE_MS = 30_000;

/** A record on its way; `outcome` is what became of it, null while nobody knows. */
export interface Sending {
  readonly record: KafkaMessage;
  outcome: Outcome | null;
}

/**
 * One topic and the producer it has for itself: after a topic that a shared producer used is deleted, every other topic of that
 * producer fails too. One partition a send: kafkajs mixes up the answers of a send that spans partitions when leaders move. One
 * send in flight for each partition: two could change places.
 */
export class TopicWriter {
  readonly #topic: string;
  readonly #compression: CompressionTypes;
  readonly #open: () => Session;
  readonly #idleMs: number;
  readonly #choose = Partitioners.DefaultPartitioner();
  /** The end of the last send to each partition. */
  readonly #tails = new Map<number, Promise<void>>();
  readonly #leaving = new Map<Session, Promise<void>>();
  #session: Session | null = null;
  #underWay = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(topic: string, compression: 'none' | 'gzip', open: () => Session, idleMs = IDLE_MS) {
    this.#topic = topic;
    this.#compression = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
    this.#open = open;
    this.#idleMs = idleMs;
  }

  /** Sets the outcome of each. What is on its way when `signal` aborts comes to its end, and keeps its partition until then; nothing else is begun. */
  async send(sendings: readonly Sending[], signal: AbortSignal): Promise<void> {
    this.#underWay += 1;
    clearTimeout(this.#idle);
    try {
      await this.#sendAll(sendings, signal);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle = setTimeout(() => this.#leave(this.#session), this.#idleMs).unref();
    }
  }

  /** Cuts off what is still under way: nobody waits for it any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#leave(this.#session);
    for (const session of this.#leaving.keys()) session.cut('the sink is closed');
    await Promise.all(this.#leaving.values());
  }

  async #sendAll(sendings: readonly Sending[], signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return;
    const session = this.#sessionNow();
    try {
      const byPartition = this.#assign(sendings, await session.partitions());
      await Promise.all([...byPartition].map(([partition, part]) => this.#afterOthers(partition, () => this.#sendInOrder(part, signal))));
    } catch (error) {
      this.#leave(session);
      settle(sendings, ofNoRecord(faultOf(error)));
    }
  }

  /** The partition of each record: for those with a key the one that Java's producer chooses. */
  #assign(sendings: readonly Sending[], partitionMetadata: PartitionMetadata[]): Map<number, Sending[]> {
    const byPartition = new Map<number, Sending[]>();
    // Records without a key share a partition a batch: fewer sends, and no order to keep.
    let keyless: number | null = null;
    for (const sending of sendings) {
      const message = sending.record;
      const choose = (): number => this.#choose({ topic: this.#topic, partitionMetadata, message });
      const partition = (message.key ?? null) === null ? (keyless ??= choose()) : choose();
      message.partition = partition;
      const others = byPartition.get(partition);
      if (others === undefined) byPartition.set(partition, [sending]);
      else others.push(sending);
    }
    return byPartition;
  }

  /** Runs when every earlier send to the partition has ended, also one whose signal cut it short. */
  #afterOthers(partition: number, work: () => Promise<void>): Promise<void> {
    const turn = (this.#tails.get(partition) ?? Promise.resolve()).then(work);
    this.#tails.set(partition, turn);
    return turn;
  }

  /** All of one partition, in parts that fit into a batch. Never throws. */
  async #sendInOrder(sendings: readonly Sending[], signal: AbortSignal): Promise<void> {
    const parts = partsOf(sendings);
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (signal.aborted || this.#closed) return;
      const fault = await this.#produce(part);
      if (fault?.divide === true && part.length > 1) {
        // The broker refuses a record, and does not say which: half by half, until that one is alone.
        const half = Math.ceil(part.length / 2);
        parts.unshift(part.slice(0, half), part.slice(half));
        continue;
      }
      const outcome = fault?.outcome ?? { kind: 'delivered', answer: `${this.#topic}[${part[0]?.record.partition ?? '?'}]` };
      settle(part, outcome);
      // What follows would overtake what failed.
      if (outcome.kind === 'retry') settle(parts.splice(0).flat(), outcome);
    }
  }

  async #produce(part: readonly Sending[]): Promise<SendFault | null> {
    const session = this.#sessionNow();
    const partition = part[0]?.record.partition;
    try {
      const results = await session.send(
        part.map(({ record }) => record),
        this.#compression,
      );
      // kafkajs leaves out what it found no leader for: that was not sent.
      if (results.some((result) => result.topicName === this.#topic && result.partition === partition && result.errorCode === 0)) return null;
      this.#leave(session);
      return {
        divide: false,
        outcome: { kind: 'retry', reason: 'unconfirmed', answer: `the answer does not name ${this.#topic}[${partition ?? '?'}]` },
      };
    } catch (error) {
      const fault = faultOf(error);
      if (!fault.divide) this.#leave(session);
      return ofOneLeader(fault);
    }
  }

  #sessionNow(): Session {
    const current = this.#session;
    if (current?.usable === true) return current;
    this.#leave(current);
    this.#session = this.#open();
    return this.#session;
  }

  /** What others have under way on it comes to its end; the next send begins a new one, with what the cluster looks like then. */
  #leave(session: Session | null): void {
    if (this.#session === session) this.#session = null;
    if (session === null || this.#leaving.has(session)) return;
    this.#leaving.set(
      session,
      session.end().finally(() => this.#leaving.delete(session)),
    );
  }
}

/** What goes wrong before anything is sent is the fault of no record, whatever it looks like. */
function ofNoRecord({ divide, outcome }: SendFault): Outcome {
  return divide ? { kind: 'retry', reason: 'connection', answer: outcome.answer, holdSink: true } : outcome;
}

/** One leader has failed, and others may work: only when the next session cannot be opened, the far side is down as a whole. */
function ofOneLeader(fault: SendFault): SendFault {
  return fault.outcome.kind === 'retry' ? { divide: false, outcome: { ...fault.outcome, holdSink: false } } : fault;
}

function settle(sendings: readonly Sending[], outcome: Outcome): void {
  for (const sending of sendings) sending.outcome = outcome;
}

/** Records in order, in parts that fit into a batch; one that is too large is a part of its own. */
function partsOf(sendings: readonly Sending[]): Sending[][] {
  const parts: Sending[][] = [];
  let bytes = Infinity;
  for (const sending of sendings) {
    const size = sizeOf(sending.record);
    if (bytes + size > SEND_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(sending);
    bytes += size;
  }
  return parts;
}

function sizeOf({ key, value, headers = {} }: KafkaMessage): number {
  // A character is three bytes at most.
  const text = Object.entries(headers).reduce((sum, [name, header]) => sum + name.length + String(header).length * 3, 0);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + text;
}
