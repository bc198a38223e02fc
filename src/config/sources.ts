import type { SourceConfiguration } from './configuration.js';
import { kindOf, type Building } from './building.js';
import { SourceSchema, withType, type SourceShape } from './schema.js';
import { secretsIn } from './validate.js';

/** One source, and the secret texts in it. */
export interface BuiltSource {
  readonly source: SourceConfiguration;
  readonly secrets: readonly string[];
}

/** Builds the sources; those with a mistake are reported and left out. */
export function buildSources(shapes: Readonly<Record<string, unknown>>, dedupWindowMs: number, building: Building): BuiltSource[] {
  const paths = new Map<string, string>();
  const built: BuiltSource[] = [];
  for (const [name, value] of Object.entries(shapes)) {
    const at = ['sources', name];
    const shape = building.check(SourceSchema(building.kinds.formats.map((format) => format.type)), value, at) as SourceShape | null;
    if (shape === null) continue;
    const owner = paths.get(shape.path);
    if (owner !== undefined)
      building.report({
        path: [...at, 'path'],
        what: `${shape.path} is the path of the source "${owner}" too`,
        remedy: 'give each source a path of its own',
      });
    paths.set(shape.path, name);
    const verifier = buildVerifier(shape.verify, [...at, 'verify'], dedupWindowMs, building);
    const format = building.kinds.formats.find((kind) => kind.type === shape.format);
    if (verifier === null || format === undefined) continue;
    const { verify, type, secrets } = verifier;
    const { path, gzip, missingId } = shape;
    built.push({ source: { name, path, verify, verifyType: type, signingSecret: secrets[0] ?? null, format, gzip, missingId }, secrets });
  }
  return built;
}

function buildVerifier(value: unknown, at: readonly string[], dedupWindowMs: number, { kinds, check, report }: Building) {
  const kind = kindOf(value, kinds.verifiers, at, report);
  if (kind === null) return null;
  const schema = withType(kind.type, kind.schema);
  const config = check(schema, value, at);
  if (config === null) return null;
  const verify = kind.prepare(config, (problem) => report({ ...problem, path: [...at, ...problem.path] }));
  const replayMs = kind.replayMs(config);
  if (replayMs !== null && replayMs > dedupWindowMs) {
    report({
      path: ['dedup', 'window'],
      what: `the window is shorter than a request of ${at.join('.')} stays valid`,
      remedy: `make it at least ${Math.ceil(replayMs / 1000)}s`,
    });
  }
  return { verify, type: kind.type, secrets: secretsIn(schema, config) };
}
