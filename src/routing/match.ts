import type { EventView } from '../core/event.js';
import { compileGlob } from './glob.js';

/** One pattern, or a list: any of them. */
export type Patterns = string | readonly string[];

/** What a row asks of an event; every key given must match. */
export interface Match {
  readonly source?: Patterns | undefined;
  readonly type?: Patterns | undefined;
  readonly severity?: Patterns | undefined;
  readonly name?: Patterns | undefined;
  readonly cluster?: Patterns | undefined;
}

/** The keys of `match`, in the order in which they are tried. */
export const MATCH_KEYS = ['source', 'type', 'severity', 'name', 'cluster'] as const;
export type MatchKey = (typeof MATCH_KEYS)[number];

/** What one key of `match` asks. */
export interface Test {
  readonly at: MatchKey;
  readonly patterns: readonly string[];
  readonly holds: (event: EventView) => boolean;
}

/** The tests of one row: keys that every event passes are left out. */
export function testsOf(match: Match = {}): Test[] {
  return MATCH_KEYS.flatMap((at) => {
    const patterns = listOf(match[at]);
    if (patterns === null || patterns.includes('*')) return [];
    const globs = patternsOf(at, patterns).map(compileGlob);
    return [{ at, patterns, holds: (event) => valuesOf(at, event).some((value) => value !== null && globs.some((glob) => glob(value))) }];
  });
}

/** What a key's patterns are compared with: what the event does not have is null, and matches nothing but `*`. */
export function valuesOf(at: MatchKey, event: EventView): readonly (string | null)[] {
  switch (at) {
    case 'source':
      return [event.source];
    case 'type':
      return [event.type];
    case 'severity':
      return [event.severity?.toLowerCase() ?? null];
    case 'name':
      return [event.name];
    case 'cluster':
      return [event.cluster.name, event.cluster.id];
  }
}

/** A key's patterns as they are compared: severities without regard to case. */
export function patternsOf(at: MatchKey, patterns: readonly string[]): readonly string[] {
  return at === 'severity' ? patterns.map((pattern) => pattern.toLowerCase()) : patterns;
}

/** Does every event match? */
export function catchesAll(row: { readonly match?: Match | undefined; readonly where?: string | undefined }): boolean {
  return row.where === undefined && MATCH_KEYS.every((key) => takesAny(row.match?.[key]));
}

/** A value the event does not have, too. */
function takesAny(patterns: Patterns | undefined): boolean {
  return listOf(patterns)?.includes('*') ?? true;
}

/** The patterns as a list; null where the key is not given. */
export function listOf(patterns: Patterns | undefined): readonly string[] | null {
  return patterns === undefined ? null : typeof patterns === 'string' ? [patterns] : patterns;
}
