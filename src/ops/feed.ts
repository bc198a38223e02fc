import type Router from '@koa/router';
import { PassThrough } from 'node:stream';
import type { Telemetry } from '../core/telemetry.js';
import type { InForce } from './in-force.js';

/** One thing that happened at a source, or to a delivery of one of its events. */
export type Happening = {
  readonly kind: 'accepted' | 'duplicate' | 'refused' | 'misrouted' | 'attempted' | 'pollFailed' | 'pollStopped';
  readonly source: string;
} & Readonly<Record<string, unknown>>;

/** What happens, for those who look on at this moment. */
export interface Feed {
  readonly isWatched: () => boolean;
  readonly tell: (happening: Happening) => void;
  /** Answers how to stop; null where too many look on. */
  readonly watch: (onHappening: (happening: Happening) => void) => (() => void) | null;
}

const WATCHERS_MAX = 16;
/** What may wait for one who reads slowly; above it, what happens is left out. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** A line without anything, so that neither side takes the connection for dead. */
const QUIET_MS = 10_000;

export function createFeed(): Feed {
  const watchers = new Set<(happening: Happening) => void>();
  return {
    isWatched: () => watchers.size > 0,
    tell: (happening) => watchers.forEach((watcher) => watcher(happening)),
    watch(onHappening) {
      if (watchers.size >= WATCHERS_MAX) return null;
      watchers.add(onHappening);
      return () => void watchers.delete(onHappening);
    },
  };
}

/** The telemetry, which tells the feed too while somebody looks on. */
export function fed(telemetry: Telemetry, feed: Feed): Telemetry {
  const tell = <Kind extends Happening['kind']>(kind: Kind, fact: Parameters<Telemetry[Kind]>[0]): void => {
    if (feed.isWatched()) feed.tell({ ...fact, kind });
  };
  return {
    ...telemetry,
    accepted: (fact) => {
      telemetry.accepted(fact);
      tell('accepted', fact);
    },
    duplicate: (fact) => {
      telemetry.duplicate(fact);
      tell('duplicate', fact);
    },
    refused: (fact) => {
      telemetry.refused(fact);
      tell('refused', fact);
    },
    misrouted: (fact) => {
      telemetry.misrouted(fact);
      tell('misrouted', fact);
    },
    attempted: (fact) => {
      telemetry.attempted(fact);
      tell('attempted', fact);
    },
    pollFailed: (fact) => {
      telemetry.pollFailed(fact);
      tell('pollFailed', fact);
    },
    pollStopped: (fact) => {
      telemetry.pollStopped(fact);
      tell('pollStopped', fact);
    },
  };
}

/**
 * `GET /api/feed?source=NAME`: JSON Lines for as long as the asker stays, the first of them says where events are posted to. What no source was found for has
 * the source ''.
 */
export function addFeed(router: Router, feed: Feed, inForce: () => Sources): void {
  router.get('/api/feed', (context) => {
    const { source } = context.query;
    const all = sourcesOf(inForce());
    const sources = all.filter(({ name }) => source === undefined || source === name);
    if (sources.length === 0) return context.throw(404, `no source named "${String(source)}"; there are ${all.map(({ name }) => name).join(', ')}`);
    const lines = new PassThrough({ highWaterMark: UNREAD_BYTES_MAX });
    let leftOut = 0;
    const write = (line: object): void => void lines.write(`${JSON.stringify(line)}\n`);
    const stop = feed.watch((happening) => {
      if (source !== undefined && happening.source !== source && happening.source !== '') return;
      if (lines.writableLength > UNREAD_BYTES_MAX) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0) write({ kind: 'left_out', count: leftOut });
      leftOut = 0;
      write({ at: new Date().toISOString(), ...happening });
    });
    if (stop === null) return context.throw(429, `${WATCHERS_MAX} look on already`);
    const quiet = setInterval(() => lines.write('\n'), QUIET_MS);
    lines.once('close', () => {
      clearInterval(quiet);
      stop();
    });
    write({ kind: 'listening', sources });
    context.type = 'application/x-ndjson';
    context.body = lines;
  });
}

type Sources = Pick<InForce, 'sources' | 'pollers'>;

/** `path`: where events are posted to; null: it is asked for them. */
function sourcesOf({ sources, pollers }: Sources): { name: string; path: string | null }[] {
  return [...sources.map(({ name, path }) => ({ name, path })), ...pollers.map(({ name }) => ({ name, path: null }))];
}
