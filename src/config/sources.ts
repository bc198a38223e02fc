import type { Report } from '../core/problem.js';
import { suggest } from '../core/suggest.js';
import type { Compiler } from '../core/sink.js';
import type { EventHeaders } from '../core/event.js';
import type { Dedup, Format, PollerKind, ReadingSource, Setup } from '../core/source.js';
import type { WrittenSource } from './described.js';
import type { PollerConfiguration, SourceConfiguration } from './configuration.js';
import { below, kindOf, type Building } from './checking/building.js';
import { polledSchema, SourceSchema, withType, type DedupShape, type SourceShape } from './schema/schema.js';
import { durationText } from './schema/units.js';
import { isMapping, type Schema } from './checking/shape.js';
import { secretsIn } from './checking/validate.js';

/** One source, and the secret texts in it. */
export interface Built<Source> {
  readonly source: Source;
  readonly written: WrittenSource;
  readonly secrets: readonly string[];
}

/** Those that are posted to, and those that are asked for their events. */
export interface BuiltSources {
  readonly posted: readonly Built<SourceConfiguration>[];
  readonly polled: readonly Built<PollerConfiguration>[];
}

interface BuildingSources extends Building {
  readonly compiler: Pick<Compiler, 'expression'>;
  readonly dedupWindowMs: number;
  /** Owners of the paths so far. */
  readonly paths: Map<string, string>;
}

/** Builds the sources; those whose kind cannot be told are reported and left out. One with a `type` is asked for its events. */
export function buildSources(
  shapes: Readonly<Record<string, unknown>>,
  dedupWindowMs: number,
  compiler: Pick<Compiler, 'expression'>,
  building: Building,
): BuiltSources {
  const all = { ...building, compiler, dedupWindowMs, paths: new Map<string, string>() };
  const entries = Object.entries(shapes);
  const isPolled = (value: unknown): boolean => isMapping(value) && Object.hasOwn(value, 'type');
  const posted = entries.flatMap(([name, value]) => (isPolled(value) ? [] : (buildPosted(name, value, all) ?? [])));
  const sources = posted.map(({ source }) => source);
  return { posted, polled: entries.flatMap(([name, value]) => (isPolled(value) ? (buildPolled(name, value, sources, all) ?? []) : [])) };
}

function buildPosted(name: string, value: unknown, building: BuildingSources): Built<SourceConfiguration> | null {
  const { paths, report } = building;
  const at = ['sources', name];
  const shape = building.check(SourceSchema, value, at) as SourceShape;
  const owner = paths.get(shape.path);
  if (owner !== undefined)
    report({
      path: [...at, 'path'],
      what: `${shape.path} is the path of the source "${owner}" too`,
      remedy: 'give each source a path of its own',
      from: [['sources', owner, 'path']],
    });
  else paths.set(shape.path, name);
  const { dedup, window } = buildDedup(shape.dedup, at, building);
  const verifier = buildVerifier(shape.verify, [...at, 'verify'], window, building);
  const format = buildFormat(shape.format, [...at, 'format'], building);
  if (verifier === null || format === null) return null;
  const { verify, type, secrets, setup } = verifier;
  const source = { name, path: shape.path, gzip: shape.gzip, format, verify, verifyType: type, signingSecret: secrets[0] ?? null, setup, dedup };
  return { source, written: { own: { schema: SourceSchema, value: shape }, verify: verifier.written }, secrets };
}

function buildPolled(
  name: string,
  value: unknown,
  posted: readonly SourceConfiguration[],
  building: BuildingSources,
): Built<PollerConfiguration> | null {
  const { kinds, check, report } = building;
  const at = ['sources', name];
  const typed = kindOf(value, kinds.pollers, at, building);
  if (typed === null) return null;
  const { kind } = typed;
  const schema = polledSchema(kind);
  const config = check(schema, typed.value, at);
  kind.check(config, (problem) => report(below(at, problem)));
  const filled = kind.fills?.(config);
  const reads =
    filled === undefined ? ownReading(name, kind, config as { readonly dedup: DedupShape }, building) : filledBy(filled, kind, at, posted, report);
  if (reads === null) return null;
  if (kind.repeatsMs > reads.dedup.windowMs)
    report({
      path: ['sources', reads.name, 'dedup', 'window'],
      what: `the window is shorter than an event of ${at.join('.')} may come again`,
      remedy: `make it at least ${durationText(kind.repeatsMs)}, here or in \`dedup.window\` at the top of the file`,
      from: [['dedup', 'window']],
    });
  return { source: { name, kind, config, reads }, written: { own: { schema, value: config } }, secrets: secretsIn(schema, config) };
}

function ownReading(name: string, kind: PollerKind<unknown>, config: { readonly dedup: DedupShape }, building: BuildingSources): ReadingSource {
  const format = building.kinds.formats.find(({ type }) => type === kind.format)?.bare;
  if (format === undefined) throw new Error(`there is no format ${kind.format}`);
  return { name, format, dedup: buildDedup(config.dedup, ['sources', name], building).dedup };
}

function filledBy(
  name: string,
  { format }: PollerKind<unknown>,
  at: readonly string[],
  posted: readonly SourceConfiguration[],
  report: Report,
): ReadingSource | null {
  const source = posted.find((one) => one.name === name);
  const fitting = posted.filter((one) => one.format.type === format).map((one) => one.name);
  if (source === undefined)
    report({ path: [...at, 'fills'], what: `no source named "${name}"`, remedy: suggest(name, fitting), from: [['sources', name]] });
  else if (source.format.type !== format)
    report({
      path: [...at, 'fills'],
      what: `"${name}" has another format than ${format}`,
      remedy: `name one of ${fitting.join(', ') || 'that format'}`,
    });
  return source ?? null;
}

function buildDedup(shape: DedupShape, at: readonly string[], building: BuildingSources): { dedup: Dedup; window: Window } {
  const { dedupWindowMs, compiler, report } = building;
  const window = shape.window === undefined ? { ms: dedupWindowMs, at: [] } : { ms: shape.window, at };
  if (window.ms > dedupWindowMs)
    report({
      path: [...at, 'dedup', 'window'],
      what: 'the window is longer than the one for all sources, and ids are forgotten after that',
      remedy: `make it at most ${durationText(dedupWindowMs)}, or raise \`dedup.window\` at the top of the file`,
      from: [['dedup', 'window']],
    });
  const key = shape.key === undefined ? null : compiler.expression(shape.key, [...at, 'dedup', 'key']);
  return { dedup: { key, windowMs: window.ms, missingId: shape.missingId }, window };
}

/** `format: github` is short for `format: { type: github }`. */
function buildFormat(value: unknown, at: readonly string[], building: Building): Format | null {
  const isShort = typeof value === 'string';
  const report: Report = (problem) => building.report(isShort ? { ...problem, path: at } : problem);
  const typed = kindOf(isShort ? { type: value } : value, building.kinds.formats, at, { ...building, report });
  if (typed === null) return null;
  return typed.kind.prepare(building.check(withType(typed.kind.type, typed.kind.schema), typed.value, at));
}

/** How long ids are remembered, and below what part of the document that is said. */
interface Window {
  readonly ms: number;
  readonly at: readonly string[];
}

function buildVerifier(value: unknown, at: readonly string[], window: Window, building: Building) {
  const { kinds, check, report } = building;
  const typed = kindOf(value, kinds.verifiers, at, building);
  if (typed === null) return null;
  const { kind } = typed;
  const schema = withType(kind.type, kind.schema);
  const config = check(schema, typed.value, at);
  const verify = kind.prepare(config, (problem) => report(below(at, problem)));
  const replayMs = kind.replayMs(config);
  if (replayMs !== null && replayMs > window.ms) {
    report({
      path: [...window.at, 'dedup', 'window'],
      what: `the window is shorter than a request of ${at.join('.')} stays valid`,
      remedy: `make it at least ${Math.ceil(replayMs / 1000)}s`,
      from: keysOf(kind.schema).map((key) => [...at, key]),
    });
  }
  const setup = (sent: EventHeaders): Setup => kind.setup(config, sent);
  return { verify, setup, type: kind.type, written: { schema, value: config }, secrets: secretsIn(schema, config) };
}

/** Any of them may say how long a request stays valid. */
function keysOf(schema: Schema): string[] {
  return Object.keys(schema.properties ?? {});
}
