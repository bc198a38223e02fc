import { DatabaseSync } from '@photostructure/sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { Transferable } from 'node:worker_threads';
import { StoreUnavailable, type StoreContext } from '../../core/store.js';
import type { Salvaged } from '../../core/telemetry.js';
import { finishReplacing, isMarked, keepWal, mark } from './aside.js';
import { explained, lock } from './database.js';
import { DamagedDatabase, DiskFailing } from './faults.js';
import type { ThreadOptions } from './protocol.js';
import { CLOSED, Thread } from './thread.js';
import { unusableFrames } from './wal.js';

/** Pause before a file that could not be opened is tried again; doubles up to the second. */
const AGAIN_MS = 1_000;
const AGAIN_MS_MAX = 30_000;
/** An opening that takes longer (a large file is salvaged) goes on by itself: meanwhile the bridge answers, and says what it waits for. */
const OPENING_MS = 10_000;
/** A file that is damaged again so soon is salvaged at the next start only: each time costs the disk a copy, and the disk itself may be failing. */
const SALVAGE_AGAIN_MS = 3_600_000;

export interface ThreadsOptions extends StoreContext {
  readonly path: string;
  readonly workerUrl: URL;
}

/**
 * The lock of the file and the three threads that have it open. What only a person can mend rejects the opening; a disk that is full or fails is tried again
 * until it does not; a damaged file is salvaged, at the start as well as later, when a thread comes upon the damage.
 */
export class Threads {
  readonly #options: ThreadsOptions;
  readonly #writer: Thread;
  /** One reader for the lanes, one for people: a lane must not wait behind a listing. */
  readonly #lanes: Thread;
  readonly #people: Thread;
  readonly #closing = new AbortController();
  #lock: ReturnType<typeof lock> | null = null;
  /** Why nothing can be called now; null: it can. */
  #fault: Error | null = new StoreUnavailable('the store is being opened');
  /** What has to be salvaged before the threads can start. */
  #damage: string | null = null;
  /** The WAL that is there now was copied, and told of. */
  #walKept = false;
  /** By a clock that nobody sets. */
  #salvagedMs = -Infinity;
  #opening = Promise.resolve();
  /** Of the events that were written since the start. */
  #lastSeq = 0;

  private constructor(options: ThreadsOptions) {
    this.#options = options;
    const onDamage = (detail: string): void => this.#meetDamage(detail);
    this.#writer = this.#thread('writer', onDamage);
    this.#lanes = this.#thread('reader', onDamage);
    this.#people = this.#thread('reader', onDamage);
  }

  /** Resolves once the threads serve, or it is clear that they will later. Rejects, with everything closed, where a person has to mend something first. */
  static async open(options: ThreadsOptions): Promise<Threads> {
    const threads = new Threads(options);
    await threads.#try();
    const salvaged = threads.#damage === null ? Promise.resolve() : threads.#try();
    threads.#opening = salvaged.then(() => threads.#tryAgain());
    // Whether it is a file of this program at all is known when it is salvaged.
    const waited = new AbortController();
    await Promise.race([salvaged, pause(OPENING_MS, null, { signal: waited.signal }).catch(() => undefined)]);
    waited.abort();
    const fault = threads.#fault;
    if (fault === null || fault instanceof DiskFailing || fault instanceof DamagedDatabase) return threads;
    await threads.close();
    throw fault;
  }

  /** Rejects with StoreUnavailable, whatever the fault. */
  call<Result>(who: 'writer' | 'lanes' | 'people', name: string, args: readonly unknown[], transfer: readonly Transferable[] = []): Promise<Result> {
    if (this.#fault !== null) return Promise.reject(new StoreUnavailable(this.#fault.message));
    const threads = { writer: this.#writer, lanes: this.#lanes, people: this.#people };
    return threads[who].call(name, args, transfer);
  }

  /** An event was written at this seq: no other will be, also where the file loses it. */
  written(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Finishes what was called. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening;
    await this.#stop();
    this.#fault = new StoreUnavailable(CLOSED);
    this.#lock?.release();
  }

  #thread(role: ThreadOptions['role'], onDamage?: (detail: string) => void): Thread {
    const { path, limits, workerUrl } = this.#options;
    return new Thread({ role, path, ...limits }, workerUrl, onDamage);
  }

  async #stop(): Promise<void> {
    await this.#people.close();
    await this.#lanes.close();
    // Last: it takes the WAL with it.
    await this.#writer.close();
  }

  async #try(): Promise<void> {
    try {
      await this.#start();
      this.#fault = null;
    } catch (error) {
      await this.#stop();
      if (error instanceof DamagedDatabase) this.#damage ??= error.message;
      this.#fault = error instanceof Error ? error : new StoreUnavailable(String(error));
    }
  }

  async #tryAgain(): Promise<void> {
    for (let pauseMs = AGAIN_MS; this.#fault !== null; pauseMs = Math.min(pauseMs * 2, AGAIN_MS_MAX)) {
      await pause(pauseMs, null, { signal: this.#closing.signal }).catch(() => undefined);
      if (this.#closing.signal.aborted) return;
      await this.#try();
    }
  }

  async #start(): Promise<void> {
    this.#lock ??= lock(this.#options.path);
    const { file } = this.#lock;
    explained(file, () => finishReplacing(file));
    if (isMarked(file)) this.#damage ??= `${file} was found damaged before`;
    if (this.#damage !== null) await this.#salvage(file, this.#damage);
    explained(file, () => this.#keepUnusable(file));
    await this.#writer.open();
    await this.#writer.call('goOnAfter', [this.#lastSeq]);
    await this.#lanes.open();
    await this.#people.open();
  }

  async #salvage(file: string, detail: string): Promise<void> {
    if (performance.now() - this.#salvagedMs < SALVAGE_AGAIN_MS)
      throw new DamagedDatabase(`${detail}, soon after it was salvaged: look after its disk, then start again`);
    const fault = new DamagedDatabase(`${detail}: it is being salvaged`);
    this.#fault = fault;
    this.#options.telemetry.storeDamaged({ detail });
    const salvager = this.#thread('salvager');
    await salvager.open();
    try {
      this.#options.telemetry.storeSalvaged(await salvager.call<Salvaged>('salvage', [file, Date.now()]));
    } finally {
      await salvager.close();
    }
    this.#salvagedMs = performance.now();
    this.#damage = null;
  }

  /** Copies a WAL whose end SQLite is going to overwrite, and has it do so, lest the same end be found again. */
  #keepUnusable(file: string): void {
    const unusable = unusableFrames(`${file}-wal`);
    if (unusable === null) return;
    // Once, also where a full disk has the rest of it tried again.
    if (!this.#walKept) this.#options.telemetry.commitsLost({ ...unusable, copy: keepWal(file, Date.now()) });
    this.#walKept = true;
    // No statement is prepared: the driver would keep the file open until it is collected.
    const database = new DatabaseSync(file);
    try {
      database.exec('pragma wal_checkpoint(truncate)');
    } finally {
      database.close();
    }
    this.#walKept = false;
  }

  /** A thread that serves came upon damage: the file is salvaged now. */
  #meetDamage(detail: string): void {
    if (this.#fault !== null || this.#lock === null) return;
    mark(this.#lock.file, detail);
    if (performance.now() - this.#salvagedMs < SALVAGE_AGAIN_MS) return;
    this.#fault = new DamagedDatabase(detail);
    this.#damage = detail;
    this.#opening = this.#stop()
      .then(() => this.#try())
      .then(() => this.#tryAgain());
  }
}
