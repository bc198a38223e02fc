import type { Compiler, LaneDefaults } from '../core/sink.js';
import type { Written } from './described.js';
import type { LaneConfiguration, SinkConfiguration } from './configuration.js';
import { below, kindOf, type Building } from './checking/building.js';
import { keysOfSinks } from './checking/misplaced.js';
import { isMapping } from './checking/shape.js';
import { LaneSchema, withType, type LaneShape } from './schema/schema.js';
import { secretsIn } from './checking/validate.js';

/** One sink, and the secret texts in it. */
export interface BuiltSink {
  readonly sink: SinkConfiguration;
  readonly written: Written;
  readonly secrets: readonly string[];
}

/** Builds the sinks; those whose kind cannot be told are reported and left out. */
export function buildSinks(shapes: Readonly<Record<string, unknown>>, compiler: Compiler, building: Building): BuiltSink[] {
  const { kinds, check, report } = building;
  return Object.entries(shapes).flatMap(([name, value]) => {
    const at = ['sinks', name];
    if (!(isMapping(value) && Object.hasOwn(value, 'type')) && keysOfSinks(kinds).includes(name)) {
      report({
        path: at,
        atKey: true,
        what: `"${name}" stands beside the sinks, and is a key of one`,
        remedy: 'indent it as far as the keys of the sink above it',
      });
      return [];
    }
    const typed = kindOf(value, kinds.sinks, at, building);
    if (typed === null) return [];
    const { kind } = typed;
    const schema = withType(kind.type, kind.schema, LaneSchema(kind.lane));
    const config = check(schema, typed.value, at) as LaneShape;
    const { initial, max } = config.retry;
    if (initial > max)
      report({
        path: [...at, 'retry', 'initial'],
        what: `the first back-off, ${initial}ms, is longer than retry.max`,
        remedy: `make it at most ${max}ms, or raise retry.max`,
        from: [[...at, 'retry', 'max']],
      });
    const compilerBelow: Compiler = {
      expression: (source, path) => compiler.expression(source, [...at, ...path]),
      interpolated: (source, path, encode) => compiler.interpolated(source, [...at, ...path], encode),
      template: (source, path, escape) => compiler.template(source, [...at, ...path], escape),
    };
    const render = kind.prepare(config, compilerBelow, (problem) => report(below(at, problem)));
    const secrets = [...secretsIn(schema, config), ...(kind.secrets?.(config) ?? [])];
    return [{ sink: { name, kind, config, lane: laneOf(config, kind.lane), render }, written: { schema, value: config }, secrets }];
  });
}

function laneOf({ retry, timeout, concurrency, batch, pace }: LaneShape, defaults: LaneDefaults): LaneConfiguration {
  return {
    retry: { attempts: retry.attempts, initialMs: retry.initial, maxMs: retry.max, maxAgeMs: retry.maxAge },
    timeoutMs: timeout,
    concurrency,
    batch: batch ?? defaults.batch,
    pacePerSecond: pace ?? null,
  };
}
