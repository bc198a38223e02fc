import { isMapping } from './checking/shape.js';
import type { Described, DescribedRow } from './described.js';

/** A value that is another one. Undefined: it is not there. */
export interface Difference {
  /** `retry.attempts`, from the part that it is a difference of. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What became of the parts that have names. Whatever is in none of the lists is the same. */
export interface PartsDiffer {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly name: string; readonly differences: readonly Difference[] }[];
}

/** What a configuration changes about another one. */
export interface Differing {
  readonly sinks: PartsDiffer;
  readonly sources: PartsDiffer;
  /** `moved`: the fewest rows that must be put elsewhere to make the one order of the other. */
  readonly routes: PartsDiffer & { readonly moved: readonly string[] };
  /** `restart`: it is taken up at start alone. */
  readonly settings: readonly (Difference & { readonly restart: boolean })[];
}

/** The settings that are taken up at start alone: a reload that changes one of them is refused. The store keeps its keys by `dedup`. */
const BOUND = /^(?:server\.(?:host|port)|operations|storage|dedup)(?:\.|$)/;

/** Is the setting at this path, such as `server.port`, taken up at start alone? */
export function isBoundAtStart(path: string): boolean {
  return BOUND.test(path);
}

export function differenceBetween(before: Described, after: Described): Differing {
  const [old, current] = [byName(before.routes), byName(after.routes)];
  return {
    sinks: partsDiffer(before.sinks, after.sinks),
    sources: partsDiffer(before.sources, after.sources),
    routes: { ...partsDiffer(old, current), moved: movedBetween(Object.keys(old), Object.keys(current)) },
    settings: differencesOf(before.settings, after.settings).map((one) => ({ ...one, restart: isBoundAtStart(one.path) })),
  };
}

export function isSame({ sinks, sources, routes, settings }: Differing): boolean {
  return [sinks, sources, routes].every(isSamePart) && routes.moved.length === 0 && settings.length === 0;
}

function isSamePart({ added, removed, changed }: PartsDiffer): boolean {
  return added.length === 0 && removed.length === 0 && changed.length === 0;
}

function byName(rows: readonly DescribedRow[]): Record<string, unknown> {
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

function partsDiffer(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): PartsDiffer {
  const { changed, ...others } = namesBetween(before, after, (one, other) => differencesOf(one, other).length === 0);
  return { ...others, changed: changed.map((name) => ({ name, differences: differencesOf(before[name], after[name]) })) };
}

/** Which names there are more, fewer, or with another part. */
export function namesBetween<Part>(
  before: Readonly<Record<string, Part>>,
  after: Readonly<Record<string, Part>>,
  isSamePart: (one: Part, other: Part) => boolean,
): Readonly<Record<'added' | 'removed' | 'changed', readonly string[]>> {
  const old = new Map(Object.entries(before));
  const entries = Object.entries(after);
  return {
    added: entries.filter(([name]) => !old.has(name)).map(([name]) => name),
    removed: [...old.keys()].filter((name) => !Object.hasOwn(after, name)),
    changed: entries.filter(([name, part]) => old.has(name) && !isSamePart(old.get(name) as Part, part)).map(([name]) => name),
  };
}

/** Mappings are compared key by key; anything else, lists too, as a whole. */
export function differencesOf(before: unknown, after: unknown, path = ''): Difference[] {
  if (isMapping(before) && isMapping(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differencesOf(own(before, key), own(after, key), path === '' ? key : `${path}.${key}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

/** A header may be named `constructor`. */
function own(mapping: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

/** All that are in both orders, without the longest run of names that keep theirs (patience sorting). */
function movedBetween(before: readonly string[], after: readonly string[]): string[] {
  const placeBefore = new Map(before.map((name, index) => [name, index]));
  const common = after.filter((name) => placeBefore.has(name));
  const places = common.map((name) => placeBefore.get(name) ?? 0);
  /** For each length of a run, the index its last name has with the smallest place. */
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  places.forEach((place, index) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[ends[middle] ?? 0] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    previous[index] = ends[low - 1];
    ends[low] = index;
  });
  const kept = new Set<string>();
  for (let at = ends.at(-1); at !== undefined; at = previous[at]) kept.add(common[at] ?? '');
  return common.filter((name) => !kept.has(name));
}
