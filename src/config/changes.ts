import { isDeepStrictEqual } from 'node:util';
import type { Configuration, SinkConfiguration } from './configuration.js';
import { differencesOf, isBoundAtStart, namesBetween } from './difference.js';

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
  return {
    sinks: namesBetween(byName(before.sinks), byName(after.sinks), isSame),
    sources: after.sources.length,
    routes: after.routes,
  };
}

/** The keys whose values are taken up at start alone, and differ. */
export function keysBoundAtStart(before: Configuration, after: Configuration): string[] {
  return differencesOf(before.settings, after.settings)
    .map(({ path }) => path)
    .filter(isBoundAtStart);
}

function byName(sinks: readonly SinkConfiguration[]): Readonly<Record<string, SinkConfiguration>> {
  return Object.fromEntries(sinks.map((sink) => [sink.name, sink]));
}

/** What is compiled from the YAML follows from `config`, which is all of it. */
function isSame(one: SinkConfiguration, other: SinkConfiguration): boolean {
  return one.kind === other.kind && isDeepStrictEqual(one.config, other.config);
}
