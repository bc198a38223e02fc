import type { Problem, Report } from '../../core/problem.js';
import { compileGlob } from '../../routing/glob.js';
import { catchesAll } from '../../routing/match.js';
import type { DocumentShape } from '../schema/schema.js';

/** What warnings are concluded from. Names are those of the document, also of parts with mistakes. */
export interface Looked {
  readonly shape: DocumentShape;
  readonly sources: readonly string[];
  readonly sinks: readonly string[];
  /** Is a mistake known in, above or below this path? Then what seems to be missing there may not be. */
  readonly isDoubtful: (path: Problem['path']) => boolean;
}

/** What is allowed, and seldom meant. */
export function warnAbout({ shape, sources, sinks, isDoubtful }: Looked, warn: Report): void {
  for (const name of sources) {
    const { verify } = Object(shape.sources[name]) as { readonly verify?: unknown };
    if ((Object(verify) as { readonly type?: unknown }).type !== 'none') continue;
    warn({
      path: ['sources', name, 'verify'],
      what: 'anybody who reaches this path can post events',
      remedy: 'use a verifier, or keep the listener private',
    });
  }
  if (isDoubtful(['routes']) || isDoubtful(['otherwise'])) return;
  const told = Object.values(shape.sinks).flatMap((sink) => (Object(sink) as { readonly onDead?: { readonly to?: unknown } }).onDead?.to ?? []);
  const used = new Set<unknown>([...shape.routes.flatMap((row) => row.to), ...(shape.otherwise?.to ?? []), ...(shape.onDead?.to ?? []), ...told]);
  for (const name of sinks) {
    if (!used.has(name) && !isDoubtful(['sinks', name]))
      warn({ path: ['sinks', name], what: 'no row of the table names this sink', remedy: 'name it in a row, or delete it' });
  }
  if (shape.otherwise !== undefined || shape.routes.some(catchesAll)) return;
  const wanted = new Set(shape.routes.flatMap(({ match }) => match?.source ?? '*'));
  const globs = [...wanted].map(compileGlob);
  for (const name of sources) {
    // Its events are those of another source.
    const isFilling = Object.hasOwn(Object(shape.sources[name]) as object, 'fills');
    if (isFilling || globs.some((glob) => glob(name))) continue;
    warn({
      path: ['sources', name],
      what: 'no row of the table can match an event of this source',
      remedy: 'add a row for it, or `otherwise: { to: [SINK] }`',
    });
  }
  warn({ path: ['routes'], what: 'an event that no row matches is kept as unrouted and sent nowhere', remedy: 'add `otherwise: { to: [SINK] }`' });
}
