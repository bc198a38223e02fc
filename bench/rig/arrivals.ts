import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { identityOf, type Batch } from './events.js';

/** Number, CRC-32 and time of each arrival of one run, three to an arrival. */
const PER_ARRIVAL = 3;
const GROWS_BY = 65_536 * PER_ARRIVAL;

/** What a receiver writes down of what arrives. In its own process: it must be small beside what it measures. */
export class Arrivals {
  readonly #runs = new Map<string, { values: Float64Array; used: number }>();
  /** Of all runs, also what belongs to none. */
  total = 0;

  note(body: Buffer, nowMs: number): void {
    this.total += 1;
    const identity = identityOf(body);
    const run = this.#of(identity?.run ?? '');
    if (run.used === run.values.length) {
      const larger = new Float64Array(run.values.length + GROWS_BY);
      larger.set(run.values);
      run.values = larger;
    }
    run.values[run.used++] = identity?.n ?? -1;
    run.values[run.used++] = crc32(body);
    run.values[run.used++] = nowMs;
  }

  count(run: string): number {
    return (this.#runs.get(run)?.used ?? 0) / PER_ARRIVAL;
  }

  /** To a file: too much for a message. */
  save(run: string, file: string): void {
    const { values, used } = this.#of(run);
    writeFileSync(file, Buffer.from(values.buffer, 0, used * values.BYTES_PER_ELEMENT));
  }

  #of(run: string): { values: Float64Array; used: number } {
    let found = this.#runs.get(run);
    if (found === undefined) this.#runs.set(run, (found = { values: new Float64Array(GROWS_BY), used: 0 }));
    return found;
  }
}

/** What became of a batch. */
export interface Compared {
  /** Different events that arrived, whole. */
  readonly arrived: number;
  /** Arrivals beyond the first of an event. */
  readonly repeated: number;
  /** Arrivals whose bytes are not those that were sent. */
  readonly altered: number;
  /** When each arrived first; NaN: never. */
  readonly firstMs: Float64Array;
}

/** Compares what a file of `Arrivals.save` holds with what was made. */
export function compareArrivals(file: string, { checks }: Pick<Batch, 'checks'>): Compared {
  const bytes = readFileSync(file);
  const values = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const firstMs = new Float64Array(checks.length).fill(NaN);
  let [arrived, repeated, altered] = [0, 0, 0];
  for (let at = 0; at < values.length; at += PER_ARRIVAL) {
    const [n = -1, check, nowMs = NaN] = values.subarray(at, at + PER_ARRIVAL);
    if (checks[n] !== check) altered += 1;
    else if (Number.isNaN(firstMs[n])) {
      firstMs[n] = nowMs;
      arrived += 1;
    } else repeated += 1;
  }
  return { arrived, repeated, altered, firstMs };
}
