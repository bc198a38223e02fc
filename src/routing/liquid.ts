import { Liquid } from 'liquidjs';
import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';

/** What a template may read: anything below `data` and `body`. */
const FIELDS: Readonly<Record<string, readonly string[] | null>> = {
  id: [],
  source: [],
  type: [],
  severity: [],
  name: [],
  message: [],
  cluster: ['id', 'name'],
  time: [],
  receivedAt: [],
  data: null,
  body: null,
};

/** Characters of a template, milliseconds of one rendering, and units of memory it may take: a template is a text, not a program. */
const LIMITS = { parseLimit: 100_000, renderLimit: 100, memoryLimit: 10_000_000 };

/** Tags that read other files: there are none. */
const FILE_TAGS = ['include', 'render', 'layout', 'block'];

/** Compiles a template whose every output goes through `escape`; null, and a report, where it is wrong. */
export function compileLiquid(
  source: string,
  path: Problem['path'],
  escape: (value: string) => string,
  report: Report,
): ((event: EventView) => string) | null {
  const engine = new Liquid({
    ...LIMITS,
    ownPropertyOnly: true,
    strictFilters: true,
    outputEscape: (value: unknown) => escape(shown(value)),
  });
  for (const tag of FILE_TAGS) Reflect.deleteProperty(engine.tags, tag);
  try {
    const template = engine.parse(source);
    let sound = true;
    for (const variables of Object.values(engine.analyzeSync(template).globals)) {
      for (const { segments, location } of variables) {
        const problem = misspelt(segments);
        if (problem === null) continue;
        report({ path, ...problem, offset: offsetOf(source, location.row, location.col) });
        sound = false;
      }
    }
    return sound ? (event) => String(engine.renderSync(template, { event })) : null;
  } catch (error) {
    const what = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
    const place = /, line:(\d+), col:(\d+)$/.exec(what);
    const offset = place === null ? {} : { offset: offsetOf(source, Number(place[1]), Number(place[2])) };
    report({ path, what: what.replace(/, line:\d+, col:\d+$/, ''), remedy: 'mend the Liquid template', ...offset });
    return null;
  }
}

/** What a value of an event looks like in a text: JSON, where it is no text itself. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What is wrong with `evnt.name` or `event.clusterr`; null where it is known. */
function misspelt(segments: readonly unknown[]): Omit<Problem, 'path'> | null {
  const [root, field, below] = segments;
  if (root !== 'event') return { what: `there is no "${String(root)}"`, remedy: suggest(String(root), ['event']) };
  if (typeof field !== 'string') return null;
  const known = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
  if (known === undefined) return { what: `an event has no "${field}"`, remedy: suggest(field, Object.keys(FIELDS)) };
  if (known === null || typeof below !== 'string' || known.includes(below) || (known.length === 0 && below === 'size')) return null;
  return { what: `"event.${field}" has no "${below}"`, remedy: suggest(below, known) };
}

function offsetOf(source: string, line: number, column: number): number {
  const before = source.split('\n').slice(0, line - 1);
  return before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
}
