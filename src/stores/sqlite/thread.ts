import { Worker, type Transferable } from 'node:worker_threads';
import { StoreUnavailable } from '../../core/store.js';
import { faultOf } from './faults.js';
import type { Request, Response, ThreadOptions } from './protocol.js';

/** Pause before a thread that died is started again: a fault that comes back at once must not spin. */
const RESTART_MS = 1_000;

/** What a closed store says. */
export const CLOSED = 'the store is closed';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread that answers calls, in order. One that dies rejects what it owes, and is started anew. */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #url: URL;
  readonly #waiting = new Map<number, Waiting>();
  /** Null while it starts, and once it ended. */
  #worker: Worker | null = null;
  #started = Promise.resolve();
  #exited = Promise.resolve();
  #nextId = 1;
  #serves = false;
  #fault = '';
  #restart: NodeJS.Timeout | undefined;
  readonly #onDamage: (detail: string) => void;

  /** `onDamage` is told when the thread, while it serves, comes upon damage of the file. */
  constructor(options: ThreadOptions, url: URL, onDamage: (detail: string) => void = () => undefined) {
    this.#options = options;
    this.#url = url;
    this.#onDamage = onDamage;
  }

  /** Rejects with UnusableDatabase, DamagedDatabase or DiskFailing where the file cannot serve; the thread has ended then. */
  async open(): Promise<void> {
    this.#start();
    await this.#started.catch(async (error: unknown) => {
      await this.#exited;
      throw error;
    });
    this.#serves = true;
  }

  /** Rejects with StoreUnavailable, whatever the fault; a salvager also with UnusableDatabase. */
  call<Result>(name: string, args: readonly unknown[], transfer: readonly Transferable[] = []): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#worker === null) {
        reject(new StoreUnavailable(this.#serves ? `the store’s thread is being started again: ${this.#fault}` : CLOSED));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, args } satisfies Request, transfer);
    });
  }

  /** Finishes what was called. It can be opened again. */
  async close(): Promise<void> {
    this.#serves = false;
    clearTimeout(this.#restart);
    // One that is only starting would outlive the lock of the file.
    await this.#started.catch(() => undefined);
    await this.call('close', []).catch(() => undefined);
    await this.#exited;
  }

  #start(): void {
    const worker = new Worker(this.#url, { workerData: this.#options });
    let fault = 'it ended';
    this.#started = new Promise((resolve, reject) => {
      this.#waiting.set(0, { resolve, reject });
    }).then(() => void (this.#worker = worker));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#ended(fault);
        resolve();
      });
    });
    worker.on('message', (response: Response) => this.#answer(response));
    worker.on('error', (error) => (fault = error.message));
  }

  #answer(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (response.ok) waiting?.resolve(response.result as never);
    else waiting?.reject(faultOf(response.fault, response.error));
    if (!response.ok && response.fault === 'damaged' && this.#serves) this.#onDamage(response.error);
  }

  /** Not before its exit is it started again: a thread that is still ending may still hold the file. */
  #ended(fault: string): void {
    this.#worker = null;
    this.#fault = fault;
    for (const { reject } of this.#waiting.values()) reject(new StoreUnavailable(`the store’s thread died: ${fault}`));
    this.#waiting.clear();
    if (this.#serves) this.#restart = setTimeout(() => this.#startAgain(), RESTART_MS);
  }

  #startAgain(): void {
    this.#start();
    this.#started.catch((error: unknown) => (this.#fault = error instanceof Error ? error.message : String(error)));
  }
}
