import { Type, type Static, type TObject, type TProperties } from '../../schema/typebox.js';
import type { SinkKind } from '../../core/sink.js';
import type { PollerKind } from '../../core/source.js';
import { AGE, Duration, Rate, Secret, Size, TIMER } from '../../schema/values.js';

/** Names of sources, sinks and routes: they appear in metrics, logs and commands. */
export const NAME = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';

const Port = (description: string, port: number) => Type.Integer({ description, minimum: 0, maximum: 65535, default: port });
const closed = { additionalProperties: false } as const;
const section = <Properties extends TProperties>(description: string, properties: Properties) =>
  Type.Object(properties, { ...closed, description, default: {} });

const Patterns = (description: string, example: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
    description: `${description}: a glob (\`*\` any run, \`?\` one character), or a list, any of them`,
    examples: [example, [example]],
  });

const Targets = Type.Array(Type.String(), { description: 'names of sinks', minItems: 1, uniqueItems: true, examples: [['ops']] });

const OnDead = (description: string) => Type.Optional(Type.Object({ to: Targets }, { ...closed, description, examples: [{ to: ['ops'] }] }));

/** A source as documentation shows it. */
const SOURCE = {
  path: '/webhooks/castai',
  verify: { type: 'castai', secrets: ['${CASTAI_WEBHOOK_SECRET}'] },
  format: 'castai-event',
} as const;

/** A row of the routing table, as it stands in the YAML. */
export const Route = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        description:
          'what logs and `castbridge events` call it; without one it is `route-N` by its place, and replay goes by names: rows that have one keep it when others are put in above',
        pattern: NAME,
        examples: ['page'],
      }),
    ),
    match: Type.Optional(
      Type.Object(
        {
          source: Type.Optional(Patterns('name of the source', 'castai')),
          type: Type.Optional(Patterns('type of the event', 'audit.*')),
          severity: Type.Optional(Patterns('severity, compared without case', 'critical')),
          name: Type.Optional(Patterns('name of the event', 'Cluster *')),
          cluster: Type.Optional(Patterns('name or id of the cluster', 'prod-*')),
        },
        {
          ...closed,
          description: 'every key given must match; without it, every event matches',
          examples: [{ severity: ['critical', 'error'], cluster: 'prod-*' }],
        },
      ),
    ),
    where: Type.Optional(
      Type.String({ description: 'a condition in CEL over `event`', minLength: 1, examples: ['!event.name.startsWith("Trial")'] }),
    ),
    to: Targets,
    stop: Type.Boolean({ description: 'when this row matched, rows below it are not looked at', default: false }),
  },
  closed,
);

/** The document without the parts that depend on a kind: `verify`, the sinks and the store are checked by their kind's own schema. */
export const DocumentSchema = Type.Object(
  {
    server: section('where webhooks come in', {
      host: Type.String({ description: 'address to listen on', default: '0.0.0.0', minLength: 1 }),
      port: Port('port to listen on; 0: any free one', 3000),
      // A body is held in memory whole, and the webhooks of one moment together.
      bodyLimit: Size({ description: 'larger bodies are answered 413', default: '1MiB', min: '1B', max: '64MiB' }),
      headerTimeout: Duration({ description: 'how long the headers of a request may take', default: '10s', ...TIMER }),
      bodyTimeout: Duration({ description: 'how long the body of a request may take', default: '30s', ...TIMER }),
    }),
    operations: section('health, metrics and the operators’ API', {
      host: Type.String({ description: 'address to listen on; any but loopback needs a token', default: '127.0.0.1', minLength: 1 }),
      port: Port('port to listen on; 0: any free one', 3001),
      token: Type.Optional(Secret({ description: 'bearer token that every call but health must carry', examples: ['${OPERATIONS_TOKEN}'] })),
    }),
    storage: Type.Unknown({ description: 'where events are kept', default: {} }),
    dedup: section('when an event counts as seen', {
      window: Duration({ description: 'how long an id is remembered', default: '7d', ...AGE }),
    }),
    shutdown: section('how the bridge stops', {
      grace: Duration({ description: 'how long requests and sends under way may take to end', default: '20s', ...TIMER }),
    }),
    sources: Type.Record(Type.String({ pattern: NAME }), Type.Unknown(), {
      ...closed,
      description: 'where events come from, by name',
      examples: [{ castai: SOURCE }],
      minProperties: 1,
    }),
    sinks: Type.Record(Type.String({ pattern: NAME }), Type.Unknown(), {
      ...closed,
      description: 'where events go, by name',
      examples: [{ ops: { type: 'console' } }],
    }),
    routes: Type.Array(Route, { description: 'the routing table: every row that matches applies, in order', examples: [[{ to: ['ops'] }]] }),
    otherwise: Type.Optional(Type.Object({ to: Targets }, { ...closed, description: 'where events go that no row matched' })),
    onDead: OnDead(
      'where dead letters go too, once each, with reason, attempts and the received bytes: those of sinks that do not say otherwise, and those that reach no sink. They stay dead letters, and what is forwarded goes no further',
    ),
    // Each is checked by itself: a mistake in one must not hide what is wrong with another.
    tests: Type.Array(Type.Unknown(), { description: 'tests of the routing table: run when it is loaded, and by `castbridge test`', default: [] }),
    testFiles: Type.Array(Type.String({ minLength: 1 }), {
      description: 'files with a list `tests:` of their own; paths are taken from the folder of this file',
      default: [],
    }),
  },
  closed,
);

export type DocumentShape = Static<typeof DocumentSchema>;

/** The keys every store has, whatever its kind. */
export const StorageSchema = Type.Object({
  retention: Duration({ description: 'how long settled events, their deliveries and attempts are kept', default: '7d', ...AGE }),
});

export type StorageShape = Static<typeof StorageSchema>;

const DedupOfSource = section('when two events of this source are one and the same', {
  key: Type.Optional(
    Type.String({
      description:
        'an expression in CEL over `event`: what the event goes by in the place of its id, to be known again and shown; where it gives nothing, the id is missing',
      minLength: 1,
      examples: ['event.id + "/" + event.type'],
    }),
  ),
  window: Type.Optional(
    Duration({ description: 'how long an id is remembered; without it, and at most, the `dedup.window` of the file', ...AGE, examples: ['10m'] }),
  ),
  missingId: Type.Enum(['reject', 'hash'], {
    description: 'an event without an id: answer 422 and keep it as a dead letter, or take the hash of its body for its id',
    default: 'reject',
  }),
});

/** The keys of a source that is asked for its events. What has events of its own says when two of them are one. */
export function polledSchema(kind: Pick<PollerKind, 'type' | 'schema' | 'fills'>): object {
  return withType(kind.type, kind.schema, ...(kind.fills === undefined ? [Type.Object({ dedup: DedupOfSource })] : []));
}

/** The dedup section of a source, of either sort. */
export type DedupShape = Static<typeof DedupOfSource>;

/** The keys of a source that is posted to, beside its verifier's. */
export const SourceSchema = Type.Object(
  {
    path: Type.String({ description: 'path of the URL it is posted to', examples: [SOURCE.path], pattern: '^/[A-Za-z0-9._~/-]*$' }),
    verify: Type.Unknown({ description: 'how a request proves that it is authentic', examples: [SOURCE.verify] }),
    format: Type.Unknown({
      description: 'what the bodies look like: the name of a format, or a mapping with its name as `type` and its keys',
      examples: [SOURCE.format],
    }),
    gzip: Type.Boolean({ description: 'accept bodies with content-encoding gzip', default: false }),
    dedup: DedupOfSource,
  },
  closed,
);

export type SourceShape = Static<typeof SourceSchema>;

/** The keys every sink has, whatever its kind. */
export const LaneSchema = ({ lane, digest }: Pick<SinkKind<unknown, unknown>, 'lane' | 'digest'>) =>
  Type.Object({
    retry: Type.Object(
      {
        attempts: Type.Integer({ description: 'attempts in all, the first included', minimum: 1, maximum: 1_000_000, default: 1000 }),
        initial: Duration({ description: 'upper bound of the first back-off; it doubles from there', default: '1s', ...TIMER }),
        max: Duration({ description: 'upper bound of every back-off, and of an accepted Retry-After', default: '10m', ...TIMER }),
        maxAge: Duration({ description: 'no attempt is scheduled later than this after the event was received', default: '24h', ...AGE }),
      },
      { ...closed, description: 'when and how often a failed delivery is tried again', default: {} },
    ),
    timeout: Duration({ description: 'how long one send may take', default: `${lane.timeoutMs / 1_000}s`, ...TIMER }),
    concurrency: Type.Integer({ description: 'sends under way at once', minimum: 1, maximum: 256, default: lane.concurrency }),
    // Where the far side takes one at a time there is nothing to choose.
    ...(lane.batch === 1 ? {} : { batch: Batch(lane.batch) }),
    pace: Type.Optional(
      Rate({
        description: 'messages a second at most',
        min: '1/h',
        examples: ['30/m'],
        ...(lane.pacePerSecond === null ? {} : { default: `${lane.pacePerSecond}/s` }),
      }),
    ),
    burst: Type.Optional(
      Type.Integer({
        description: `messages that may go at once after a quiet time, where there is a pace; without it as many as the pace gives in a second${lane.burst === undefined ? '' : `, and ${lane.burst} at least`}`,
        minimum: 1,
        maximum: 10_000,
        examples: [5],
      }),
    ),
    ...(digest === undefined ? {} : { digest: DigestSchema }),
    onDead: OnDead('where its dead letters go too, in the place of the `onDead` of the file'),
  });

const DigestSchema = section('when what waits becomes one message, which settles all of it', {
  after: Type.Integer({
    description: 'as long as no more than this wait, each is a message of its own; 0: always',
    minimum: 0,
    maximum: 1_000_000,
    default: 10,
  }),
  by: Type.Optional(
    Type.String({
      description: 'an expression in CEL over `event`: one message for each of its values, and one for what has none',
      minLength: 1,
      examples: ['event.cluster.name'],
    }),
  ),
  except: Type.Optional(
    Type.String({
      description: 'a condition in CEL over `event`: what it holds for, or cannot be evaluated for, is always a message of its own, and goes first',
      minLength: 1,
      examples: ['event.severity == "critical"'],
    }),
  ),
});

const Batch = (batch: number) => Type.Integer({ description: 'deliveries a send', minimum: 1, maximum: 10_000, default: batch });

export type LaneShape = Omit<Static<ReturnType<typeof LaneSchema>>, 'batch' | 'digest'> & {
  readonly batch?: number;
  readonly digest?: Static<typeof DigestSchema>;
};

/** The kind's own schema with its discriminator and what all kinds share. */
export function withType(type: string, ...schemas: readonly object[]): object {
  const parts = schemas as readonly TObject[];
  return {
    type: 'object',
    properties: Object.assign({ type: { const: type, description: 'what kind it is' } }, ...parts.map((part) => part.properties)) as object,
    required: ['type', ...parts.flatMap((part) => (part as Partial<TObject>).required ?? [])],
    additionalProperties: false,
  };
}
