import type { Report } from '../core/problem.js';
import type { Compiler } from '../core/sink.js';
import type { EventHeaders } from '../core/event.js';
import type { Format, Setup } from '../core/source.js';
import type { WrittenSource } from './described.js';
import type { SourceConfiguration } from './configuration.js';
import { below, kindOf, type Building } from './checking/building.js';
import { SourceSchema, withType, type SourceShape } from './schema/schema.js';
import { durationText } from './schema/units.js';
import type { Schema } from './checking/shape.js';
import { secretsIn } from './checking/validate.js';

/** One source, and the secret texts in it. */
export interface BuiltSource {
  readonly source: SourceConfiguration;
  readonly written: WrittenSource;
  readonly secrets: readonly string[];
}

/** Builds the sources; those whose verifier cannot be told are reported and left out. */
export function buildSources(
  shapes: Readonly<Record<string, unknown>>,
  dedupWindowMs: number,
  compiler: Pick<Compiler, 'expression'>,
  building: Building,
): BuiltSource[] {
  const paths = new Map<string, string>();
  return Object.entries(shapes).flatMap(([name, value]) => {
    const at = ['sources', name];
    const shape = building.check(SourceSchema, value, at) as SourceShape;
    const owner = paths.get(shape.path);
    if (owner !== undefined)
      building.report({
        path: [...at, 'path'],
        what: `${shape.path} is the path of the source "${owner}" too`,
        remedy: 'give each source a path of its own',
        from: [['sources', owner, 'path']],
      });
    else paths.set(shape.path, name);
    const window = shape.dedup.window === undefined ? { ms: dedupWindowMs, at: [] } : { ms: shape.dedup.window, at };
    if (window.ms > dedupWindowMs)
      building.report({
        path: [...at, 'dedup', 'window'],
        what: 'the window is longer than the one for all sources, and ids are forgotten after that',
        remedy: `make it at most ${durationText(dedupWindowMs)}, or raise \`dedup.window\` at the top of the file`,
        from: [['dedup', 'window']],
      });
    const verifier = buildVerifier(shape.verify, [...at, 'verify'], window, building);
    const format = buildFormat(shape.format, [...at, 'format'], building);
    const key = shape.dedup.key === undefined ? null : compiler.expression(shape.dedup.key, [...at, 'dedup', 'key']);
    if (verifier === null || format === null) return [];
    const { verify, type, secrets } = verifier;
    const { path, gzip, dedup } = shape;
    const source = {
      ...{ name, path, gzip, format },
      ...{ verify, verifyType: type, signingSecret: secrets[0] ?? null, setup: verifier.setup },
      dedup: { key, windowMs: window.ms, missingId: dedup.missingId },
    };
    return [{ source, written: { own: { schema: SourceSchema, value: shape }, verify: verifier.written }, secrets }];
  });
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
