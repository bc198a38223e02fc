import type { Problem } from '../core/problem.js';
import type { SinkKind } from '../core/sink.js';
import type { TableCompiler } from '../routing/compiler.js';
import type { Written } from './described.js';
import type { DigestConfiguration, LaneConfiguration, SinkConfiguration } from './configuration.js';
import { below, kindOf, type Building } from './checking/building.js';
import { checkTargets } from './checking/checks.js';
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
export function buildSinks(
  shapes: Readonly<Record<string, unknown>>,
  forAll: readonly string[],
  compiler: TableCompiler,
  building: Building,
): BuiltSink[] {
  const { kinds, check, report } = building;
  const names = new Set(Object.keys(shapes));
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
    const schema = withType(kind.type, kind.schema, LaneSchema(kind));
    const config = check(schema, typed.value, at) as LaneShape;
    const { initial, max } = config.retry;
    if (initial > max)
      report({
        path: [...at, 'retry', 'initial'],
        what: `the first back-off, ${initial}ms, is longer than retry.max`,
        remedy: `make it at most ${max}ms, or raise retry.max`,
        from: [[...at, 'retry', 'max']],
      });
    const compilerBelow = compilerAt(at, compiler);
    if (config.burst !== undefined && config.pace === undefined)
      report({ path: [...at, 'burst'], atKey: true, what: 'a burst without a pace limits nothing', remedy: 'add `pace:`, or delete it' });
    const own = config.onDead?.to;
    checkTargets(own ?? [], [...at, 'onDead', 'to'], names, report);
    if (own?.includes(name) === true)
      report({
        path: [...at, 'onDead', 'to', own.indexOf(name)],
        what: 'the dead letters of a sink would go to the sink itself',
        remedy: 'name another one',
      });
    const deadTo = own ?? forAll.filter((other) => other !== name);
    const render = kind.prepare(config, compilerBelow, (problem) => report(below(at, problem)));
    const secrets = [...secretsIn(schema, config), ...(kind.secrets?.(config) ?? [])];
    return [
      {
        sink: {
          name,
          kind,
          config,
          lane: laneOf(config, kind, compilerBelow),
          deadTo,
          orderKey: kind.ordering?.(config, compilerBelow) ?? null,
          render,
        },
        written: { schema, value: config },
        secrets,
      },
    ];
  });
}

/** The same compiler, for texts that stand below a path. */
function compilerAt(at: Problem['path'], compiler: TableCompiler): TableCompiler {
  return {
    expression: (source, path) => compiler.expression(source, [...at, ...path]),
    interpolated: (source, path, encode) => compiler.interpolated(source, [...at, ...path], encode),
    template: (source, path, escape) => compiler.template(source, [...at, ...path], escape),
    value: (source, path) => compiler.value(source, [...at, ...path]),
    condition: (source, path) => compiler.condition(source, [...at, ...path]),
  };
}

function laneOf(shape: LaneShape, { lane }: Pick<SinkKind, 'lane'>, compiler: TableCompiler): LaneConfiguration {
  const { retry, timeout, concurrency, batch, pace, burst, digest } = shape;
  return {
    retry: { attempts: retry.attempts, initialMs: retry.initial, maxMs: retry.max, maxAgeMs: retry.maxAge },
    timeoutMs: timeout,
    concurrency,
    batch: batch ?? lane.batch,
    pacePerSecond: pace ?? null,
    burst: burst ?? Math.max(lane.burst ?? 1, Math.floor(pace ?? 1)),
    digest: digest === undefined ? null : digestOf(digest, compiler),
  };
}

function digestOf({ after, by, except }: NonNullable<LaneShape['digest']>, compiler: TableCompiler): DigestConfiguration | null {
  const rule = {
    after,
    by: by === undefined ? () => null : compiler.expression(by, ['digest', 'by']),
    except: except === undefined ? () => false : compiler.condition(except, ['digest', 'except']).holds,
  };
  return after === 0 ? null : rule;
}
