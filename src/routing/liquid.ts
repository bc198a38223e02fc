import { Context, Liquid, Output, toValue, toValueSync, type Template } from 'liquidjs';
import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import { createGenerations } from './generations.js';
import { filterMistakes } from './liquid-filters.js';
import { habitMistakes } from './liquid-habits.js';
import { registerOwnFilters, shown } from './liquid-own-filters.js';
import { variableMistakes } from './liquid-variables.js';
import { parseMistake } from './liquid-syntax.js';
import { segmentsOf } from './liquid-segments.js';
import type { Mistake } from './mistake.js';

/** Characters of a template, milliseconds of one rendering, and units of memory it may take: a template is a text, not a program. */
const LIMITS = { parseLimit: 100_000, renderLimit: 100, memoryLimit: 10_000_000 };

/** Tags that read other files: there are none. */
const FILE_TAGS = ['include', 'render', 'layout', 'block'];

/** Templates that are kept for the next load. */
const KEPT_MAX = 10_000;

/** The escaping of the template that is being rendered: rendering is synchronous, and the parsed template is the same for every sink. */
let escapeInForce: (value: unknown) => unknown = (value) => value;

const engine = createEngine(true);

/** Goes on behind an unknown filter, so that one run tells of the variables too. Renders nothing. */
const lenientEngine = createEngine(false);

function createEngine(strictFilters: boolean): Liquid {
  const outputEscape = (value: unknown): string => escapeInForce(value) as string;
  const created = new Liquid({ ...LIMITS, ownPropertyOnly: true, strictFilters, outputEscape });
  for (const tag of FILE_TAGS) Reflect.deleteProperty(created.tags, tag);
  registerOwnFilters(created);
  return created;
}

/** Parsed templates by their text: a reload finds most of them unchanged. */
const kept = createGenerations<Template[]>(KEPT_MAX);

/** Tells that a configuration is read from here on: what neither it nor the one before uses is forgotten. */
export function forgetUnusedTemplates(): void {
  kept.turn();
}

/** Compiles a template whose every output goes through `escape`; null, and reports, where it is wrong. */
export function compileLiquid(
  source: string,
  path: Problem['path'],
  escape: (value: string) => string,
  report: Report,
): ((event: EventView) => string) | null {
  const template = templateOf(source, path, report);
  return template === null ? null : (event) => rendered(template, event, escape);
}

/** Compiles a text of a structure: one output and nothing else gives the value itself, anything else a text; null, and reports, where it is wrong. */
export function compileValue(source: string, path: Problem['path'], report: Report): ((event: EventView) => unknown) | null {
  const template = templateOf(source, path, report);
  if (template === null) return null;
  const [output, ...others] = template;
  if (!(output instanceof Output) || others.length > 0) return (event) => rendered(template, event, (value) => value);
  return (event) => {
    escapeInForce = (value) => value;
    const context = new Context({ event }, engine.options, { sync: true }, { liquid: engine });
    const value: unknown = toValue(toValueSync(output.value.value(context, false)));
    return value ?? null;
  };
}

function rendered(template: Template[], event: EventView, escape: (value: string) => string): string {
  escapeInForce = (value) => escape(shown(value));
  return String(engine.renderSync(template, { event }));
}

/** The parsed template; null, and reports, where it is wrong. */
function templateOf(source: string, path: Problem['path'], report: Report): Template[] | null {
  const known = kept.get(source);
  if (known !== undefined) return known;
  const parsed = parse(source);
  if ('mistakes' in parsed) {
    for (const mistake of parsed.mistakes) report({ path, ...mistake });
    return null;
  }
  kept.set(source, parsed.template);
  return parsed.template;
}

function parse(source: string): { readonly template: Template[] } | { readonly mistakes: readonly Mistake[] } {
  const segments = segmentsOf(source);
  const filters = filterMistakes(segments, Object.keys(engine.filters));
  const habits = [...habitMistakes(source, segments), ...filters].sort((a, b) => a.offset - b.offset);
  const parser = filters.length === 0 ? engine : lenientEngine;
  try {
    const template = parser.parse(source);
    const mistakes = [...habits, ...variableMistakes(source, Object.values(parser.analyzeSync(template).globals).flat())];
    return mistakes.length === 0 ? { template } : { mistakes: mistakes.sort((a, b) => a.offset - b.offset) };
  } catch (error) {
    // The parser stumbles over a habit, too, and says less of it.
    return { mistakes: habits.length > 0 ? habits : [parseMistake(source, segments, error, Object.keys(engine.tags))] };
  }
}
