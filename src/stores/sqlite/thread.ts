import { Worker, type Transferable } from 'node:worker_threads';
import { StoreUnavailable } from '../../core/store.js';
import { UnusableDatabase } from './database.js';
import type { Request, Response, ThreadOptions } from './protocol.js';

/** Pause before a thread that died is started again: a fault that comes back at once must not spin. */
const RESTART_MS = 1_000;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread that answers calls, in order. One that dies rejects what it owes, and is started anew. */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #url: URL;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;
  #closing = false;
  #restart: NodeJS.Timeout | undefined;

  private constructor(options: ThreadOptions, url: URL) {
    this.#options = options;
    this.#url = url;
  }

  /** Rejects with UnusableDatabase where the file cannot serve. */
  static async open(options: ThreadOptions, url: URL): Promise<Thread> {
    const thread = new Thread(options, url);
    await thread.#start();
    return thread;
  }

  /** Rejects with StoreUnavailable, whatever the fault. */
  call<Result>(name: string, args: readonly unknown[], transfer: readonly Transferable[] = []): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#worker === null) {
        reject(new StoreUnavailable('the store’s thread is being started again'));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, args } satisfies Request, transfer);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    await this.call('close', []).catch(() => undefined);
    await exited;
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.#url, { workerData: this.#options });
      this.#waiting.set(0, { resolve: () => ((this.#worker = worker), resolve()), reject });
      worker.on('message', (response: Response) => this.#answer(response));
      worker.on('error', (error) => this.#died(error.message));
      worker.on('exit', () => this.#died('it ended'));
    });
  }

  #answer(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (response.ok) waiting?.resolve(response.result as never);
    else waiting?.reject(response.unusable ? new UnusableDatabase(response.error) : new StoreUnavailable(response.error));
  }

  #died(why: string): void {
    const wasRunning = this.#worker !== null;
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new StoreUnavailable(`the store’s thread died: ${why}`));
    this.#waiting.clear();
    if (wasRunning && !this.#closing) this.#startLater();
  }

  #startLater(): void {
    this.#restart = setTimeout(() => {
      this.#start().catch(() => {
        if (!this.#closing) this.#startLater();
      });
    }, RESTART_MS);
  }
}
