import { StoreUnavailable, type Arrival, type EventStory, type Receipt, type Settled, type Store, type StoreContext } from '../../core/store.js';
import { bytesOf, packGroup, type Given } from './group.js';
import { unpackPage, type PackedPage } from './page.js';
import type { GroupResult, Written } from './protocol.js';
import { CLOSED } from './thread.js';
import { Threads } from './threads.js';

/** What one transaction takes at most: above it, the wait for a commit grows faster than what it saves. */
const GROUP_EVENTS_MAX = 512;
const GROUP_SETTLED_MAX = 2_048;
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** How long a settlement waits for what it can share a commit with, an arrival or other settlements: no sender is told of it, and each commit is a sync. */
const SETTLED_WITHIN_MS = 5;
/** So many of them are worth one. */
const SETTLED_AT_ONCE = 256;
/** Arrivals that may wait for a commit: more than that, and the disk is not keeping up. */
const WAITING_MAX = 10_000;
const WAITING_BYTES_MAX = 256 * 1024 * 1024;

export interface SqliteOptions extends StoreContext {
  readonly path: string;
  /** Where the threads' entry is; tests that run the sources name the built one. */
  readonly workerUrl?: URL;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens the store. Rejects with UnusableDatabase (its text says what to do) where the file is in use, foreign or newer, or may not be opened. Where the disk
 * is full, or the file is damaged, it is open and unavailable until that is over.
 */
export async function openSqliteStore({ workerUrl = new URL('./worker.js', import.meta.url), ...options }: SqliteOptions): Promise<Store> {
  return createStore(await Threads.open({ ...options, workerUrl }), options.telemetry);
}

function createStore(threads: Threads, telemetry: StoreContext['telemetry']): Store {
  const group = createGroupCommit(threads, telemetry);
  let closing: Promise<void> | undefined;
  /** Every other write: its fate tells about the store as much as a commit's does. */
  const write = async <Result>(name: string, ...args: unknown[]): Promise<Result> => group.watched(threads.call<Result>('writer', name, args));

  const close = async (): Promise<void> => {
    await group.close();
    await threads.close();
  };

  return {
    accept: async (arrival) => {
      const [receipt] = await group.accept({ arrivals: [arrival], checkpoint: null });
      if (receipt === undefined) throw new StoreUnavailable(UNANSWERED);
      return receipt;
    },
    acceptTogether: (arrivals, checkpoint) => group.accept({ arrivals, checkpoint: checkpoint ?? null }),
    checkpoint: (source) => threads.call('people', 'checkpoint', [source]),
    settle: (...settled) => group.settle(settled),
    due: async (...asked) => unpackPage(await threads.call<PackedPage>('lanes', 'due', asked)),
    killOrphans: (sinks, nowMs, deadTo = []) => write('killOrphans', sinks, nowMs, deadTo),
    deliveries: (filter, limit, before) => threads.call('people', 'deliveries', [filter, limit, before]),
    stories: async (id) => {
      const seqs = await threads.call<number[]>('writer', 'find', [id]);
      const stories = await threads.call<EventStory[]>('people', 'stories', [id, seqs]);
      return stories.map((story) => ({ ...story, event: asBuffer(story.event) }));
    },
    forget: (ids) => write('forget', ids),
    replay: (keys, nowMs) => write('replay', keys, nowMs),
    reroute: (letters, nowMs) => write('reroute', letters, nowMs),
    stats: () => threads.call('people', 'stats', []),
    prune: (nowMs) => write('prune', nowMs),
    probe: async () => {
      await write('probe', Date.now());
      await threads.call('lanes', 'probe', []);
    },
    close: () => (closing ??= close()),
  };
}

/** A structured clone turns a Buffer into a Uint8Array. */
function asBuffer<Event extends { readonly body: Uint8Array }>(event: Event): Event & { readonly body: Buffer } {
  return { ...event, body: Buffer.from(event.body.buffer, event.body.byteOffset, event.body.byteLength) };
}

/**
 * One group is on its way; whatever arrives meanwhile is the next one. No timer for an arrival: an idle store commits it with what else this turn of the
 * event loop reads, a busy one in large groups. Settlements go with the next arrivals, or by themselves when their time is up.
 */
function createGroupCommit(threads: Threads, telemetry: StoreContext['telemetry']) {
  let arrivals: Waiting<Given, Receipt[]>[] = [];
  const settlements: Waiting<readonly Settled[], void>[] = [];
  let waitingEvents = 0;
  let waitingBytes = 0;
  let waitingSettled = 0;
  let settledAreDue = false;
  let dueTimer: NodeJS.Timeout | undefined;
  let busy = false;
  let closed = false;
  let underWay = Promise.resolve();
  let failingSinceMs: number | null = null;

  const works = (): void => {
    if (failingSinceMs !== null) telemetry.storeRecovered({ downMs: Date.now() - failingSinceMs });
    failingSinceMs = null;
  };
  const fails = (detail: string): void => {
    if (failingSinceMs !== null) return;
    failingSinceMs = Date.now();
    telemetry.storeFailing({ detail });
  };

  const commitNext = async (): Promise<void> => {
    await gathered();
    while (arrivals.length > 0 || (settledAreDue && settlements.length > 0)) {
      const accepted = takeArrivals();
      const settled = takeSettlements();
      try {
        const result = await write(accepted, settled);
        works();
        const events = accepted.reduce((sum, { item }) => sum + item.arrivals.length, 0);
        // What has no uid would pass for a duplicate.
        if (result.whole && result.uids.length !== events) throw new StoreUnavailable(UNANSWERED);
        telemetry.committed({ events, settlements: settled.reduce((sum, { item }) => sum + item.length, 0), durationMs: result.durationMs });
        if (result.whole) {
          let next = 0;
          for (const { item, resolve } of accepted) {
            resolve(receiptsOf(item.arrivals, result.uids, next));
            next += item.arrivals.length;
          }
          for (const { resolve } of settled) resolve();
        } else {
          accepted.forEach((waiting, index) => hand(waiting, result.arrivals[index], (uids) => receiptsOf(waiting.item.arrivals, uids, 0)));
          settled.forEach((waiting, index) => hand(waiting, result.settled[index], () => undefined));
        }
      } catch (error) {
        const unavailable = error instanceof Error ? error : new StoreUnavailable(String(error));
        fails(unavailable.message);
        for (const { reject } of [...accepted, ...settled]) reject(unavailable);
      }
      await gathered();
    }
    // With the loop's last look, not after it: an arrival in between would wait for ever.
    busy = false;
  };

  const takeArrivals = (): Waiting<Given, Receipt[]>[] => {
    let [bytes, events, count] = [0, 0, 0];
    while (count < arrivals.length && (count === 0 || (events < GROUP_EVENTS_MAX && bytes < GROUP_BYTES_MAX))) {
      const together = arrivals[count++]?.item.arrivals ?? [];
      events += together.length;
      bytes += bytesOf(together);
    }
    const taken = arrivals.slice(0, count);
    arrivals = arrivals.slice(count);
    waitingEvents -= events;
    waitingBytes -= bytes;
    return taken;
  };

  const takeSettlements = (): Waiting<readonly Settled[], void>[] => {
    let [settled, count] = [0, 0];
    while (count < settlements.length && settled < GROUP_SETTLED_MAX) settled += settlements[count++]?.item.length ?? 0;
    const taken = settlements.splice(0, count);
    waitingSettled -= settled;
    if (settlements.length === 0) {
      settledAreDue = false;
      clearTimeout(dueTimer);
      dueTimer = undefined;
    }
    return taken;
  };

  const write = async (
    accepted: readonly Waiting<Given, Receipt[]>[],
    settled: readonly Waiting<readonly Settled[], void>[],
  ): Promise<GroupResult> => {
    const group = packGroup(
      accepted.map(({ item }) => item),
      settled.map(({ item }) => item),
    );
    const result = await threads.call<GroupResult>('writer', 'write', [group], [group.bodies]);
    threads.written(result.lastSeq);
    return result;
  };

  const begin = (): void => {
    if (busy) return;
    busy = true;
    underWay = commitNext();
  };
  const beginSettled = (): void => {
    settledAreDue = true;
    begin();
  };

  return {
    accept: (given: Given): Promise<Receipt[]> =>
      new Promise((resolve, reject) => {
        const bytes = bytesOf(given.arrivals);
        const overflows = waitingEvents >= WAITING_MAX || waitingBytes + bytes > WAITING_BYTES_MAX;
        if (closed || overflows) {
          reject(new StoreUnavailable(closed ? CLOSED : 'too many events wait for the disk'));
          return;
        }
        arrivals.push({ item: given, resolve, reject });
        waitingEvents += given.arrivals.length;
        waitingBytes += bytes;
        begin();
      }),
    /** Not bounded here: the lanes bound what they hold. */
    settle: (settled: readonly Settled[]): Promise<void> =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(new StoreUnavailable(CLOSED));
          return;
        }
        settlements.push({ item: settled, resolve, reject });
        waitingSettled += settled.length;
        if (waitingSettled >= SETTLED_AT_ONCE || settled.some(({ urgent }) => urgent)) beginSettled();
        else dueTimer ??= setTimeout(beginSettled, SETTLED_WITHIN_MS);
      }),
    watched: async <Result>(call: Promise<Result>): Promise<Result> => {
      try {
        const result = await call;
        works();
        return result;
      } catch (error) {
        fails(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
    /** Takes nothing more, and finishes what it has. */
    close: async (): Promise<void> => {
      closed = true;
      beginSettled();
      await underWay;
    },
  };
}

/** All that has been read by now was looked at: it shares the commit. */
function gathered(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const UNANSWERED = 'the writer gave no answer';

type Uids = readonly (string | null)[];

function hand<Result>({ resolve, reject }: Waiting<unknown, Result>, written: Written | undefined, result: (uids: Uids) => Result): void {
  if (written?.ok === true) resolve(result(written.uids));
  else reject(new StoreUnavailable(written?.error ?? UNANSWERED));
}

/** `first`: where those of this event, and of the others that came with it, begin. */
function receiptsOf(together: readonly Arrival[], uids: Uids, first: number): Receipt[] {
  return together.map(({ source, format, id, type, receivedMs, body, headers }, index) => {
    const uid = uids[first + index] ?? null;
    return uid === null ? { kind: 'duplicate' } : { kind: 'stored', event: { uid, source, format, id, type, receivedMs, body, headers } };
  });
}
