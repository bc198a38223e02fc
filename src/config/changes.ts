import { isDeepStrictEqual } from 'node:util';
import type { Configuration, SinkConfiguration } from './configuration.js';

/** What going over from one configuration to another means. */
export interface Changes {
  /** Names. Whatever is in none of the lists is left alone. */
  readonly sinks: Readonly<Record<'added' | 'removed' | 'changed', readonly string[]>>;
  /** How many there are then. */
  readonly sources: number;
  readonly routes: number;
}

/** Compares by value, with every reference resolved: a rotated secret is a change, another order of keys is none. */
export function changesBetween(before: Configuration, after: Configuration): Changes {
  const [old, current] = [byName(before.sinks), byName(after.sinks)];
  return {
    sinks: {
      added: [...current.keys()].filter((name) => !old.has(name)),
      removed: [...old.keys()].filter((name) => !current.has(name)),
      changed: [...current].filter(([name, sink]) => old.has(name) && !isSame(old.get(name), sink)).map(([name]) => name),
    },
    sources: after.sources.length,
    routes: after.routes,
  };
}

/** The keys whose values are taken up at start alone, and differ. */
export function keysBoundAtStart(before: Configuration, after: Configuration): string[] {
  const [old, current] = [boundAtStart(before), boundAtStart(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(current)])].filter((key) => !isDeepStrictEqual(old[key], current[key]));
}

function boundAtStart({ server, operations, storage, dedupWindowMs }: Configuration): Readonly<Record<string, unknown>> {
  return {
    'server.host': server.host,
    'server.port': server.port,
    'operations.host': operations.host,
    'operations.port': operations.port,
    'operations.token': operations.token,
    ...Object.fromEntries(Object.entries(storage.config as object).map(([key, value]) => [`storage.${key}`, value as unknown])),
    // The store keeps its keys by it.
    'dedup.window': dedupWindowMs,
  };
}

function byName(sinks: readonly SinkConfiguration[]): ReadonlyMap<string, SinkConfiguration> {
  return new Map(sinks.map((sink) => [sink.name, sink]));
}

/** What is compiled from the YAML follows from `config`, which is all of it. */
function isSame(one: SinkConfiguration | undefined, other: SinkConfiguration): boolean {
  return one?.kind === other.kind && isDeepStrictEqual(one.config, other.config);
}
