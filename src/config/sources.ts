import type { WrittenSource } from './described.js';
import type { SourceConfiguration } from './configuration.js';
import { below, kindOf, type Building } from './checking/building.js';
import { SourceSchema, withType, type SourceShape } from './schema/schema.js';
import type { Schema } from './checking/shape.js';
import { secretsIn } from './checking/validate.js';

/** One source, and the secret texts in it. */
export interface BuiltSource {
  readonly source: SourceConfiguration;
  readonly written: WrittenSource;
  readonly secrets: readonly string[];
}

/** Builds the sources; those whose verifier cannot be told are reported and left out. */
export function buildSources(shapes: Readonly<Record<string, unknown>>, dedupWindowMs: number, building: Building): BuiltSource[] {
  const paths = new Map<string, string>();
  return Object.entries(shapes).flatMap(([name, value]) => {
    const at = ['sources', name];
    const schema = SourceSchema(building.kinds.formats.map((format) => format.type));
    const shape = building.check(schema, value, at) as SourceShape;
    const owner = paths.get(shape.path);
    if (owner !== undefined)
      building.report({
        path: [...at, 'path'],
        what: `${shape.path} is the path of the source "${owner}" too`,
        remedy: 'give each source a path of its own',
        from: [['sources', owner, 'path']],
      });
    else paths.set(shape.path, name);
    const verifier = buildVerifier(shape.verify, [...at, 'verify'], dedupWindowMs, building);
    const format = building.kinds.formats.find((kind) => kind.type === shape.format);
    if (verifier === null || format === undefined) return [];
    const { verify, type, secrets } = verifier;
    const { path, gzip, missingId } = shape;
    const source = { name, path, verify, verifyType: type, signingSecret: secrets[0] ?? null, format, gzip, missingId };
    return [{ source, written: { own: { schema, value: shape }, verify: verifier.written }, secrets }];
  });
}

function buildVerifier(value: unknown, at: readonly string[], dedupWindowMs: number, building: Building) {
  const { kinds, check, report } = building;
  const typed = kindOf(value, kinds.verifiers, at, building);
  if (typed === null) return null;
  const { kind } = typed;
  const schema = withType(kind.type, kind.schema);
  const config = check(schema, typed.value, at);
  const verify = kind.prepare(config, (problem) => report(below(at, problem)));
  const replayMs = kind.replayMs(config);
  if (replayMs !== null && replayMs > dedupWindowMs) {
    report({
      path: ['dedup', 'window'],
      what: `the window is shorter than a request of ${at.join('.')} stays valid`,
      remedy: `make it at least ${Math.ceil(replayMs / 1000)}s`,
      from: keysOf(kind.schema).map((key) => [...at, key]),
    });
  }
  return { verify, type: kind.type, written: { schema, value: config }, secrets: secretsIn(schema, config) };
}

/** Any of them may say how long a request stays valid. */
function keysOf(schema: Schema): string[] {
  return Object.keys(schema.properties ?? {});
}
