/** A cache of two generations: what the latest did not use goes with the next. */
export interface Generations<Value> {
  /** Kept for another generation, where it is there. */
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  /** Begins a generation. */
  turn(): void;
}

/** At most `entriesMax` in each of the two. */
export function createGenerations<Value>(entriesMax: number): Generations<Value> {
  let latest = new Map<string, Value>();
  let before = new Map<string, Value>();
  const turn = (): void => {
    before = latest;
    latest = new Map();
  };
  const set = (key: string, value: Value): void => {
    if (latest.size >= entriesMax) turn();
    latest.set(key, value);
  };
  return {
    get(key) {
      const found = latest.get(key);
      if (found !== undefined) return found;
      const older = before.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    turn,
  };
}
