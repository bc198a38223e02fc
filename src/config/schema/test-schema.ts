import { Type, type Static } from '../../schema/typebox.js';

const closed = { additionalProperties: false } as const;
const Text = (description: string) => Type.Optional(Type.String({ description }));
const Names = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));

/** An event as the table sees it: what a test gives instead of a body. */
const Attributes = Type.Object(
  {
    id: Text('the sender’s id; `test`, where it is not given'),
    type: Type.String({ description: 'type of the event', minLength: 1 }),
    severity: Text('severity'),
    name: Text('name of the event'),
    message: Text('the sender’s words'),
    cluster: Type.Optional(
      Type.Object({ id: Text('id of the cluster'), name: Text('name of the cluster') }, { ...closed, description: 'the cluster' }),
    ),
    time: Text('when it happened, as the sender writes it'),
    data: Type.Optional(Type.Unknown({ description: 'the sender’s payload' })),
    body: Type.Optional(Type.Unknown({ description: 'the parsed body; as JSON, it is the bytes that are passed on' })),
  },
  { ...closed, description: 'the event as the table sees it, without a format; what is not given is null' },
);

const Given = Type.Object(
  {
    source: Text('name of the source; needed where there is more than one'),
    body: Type.Optional(
      Type.Unknown({ description: 'the body that is posted, read by the source’s format; a text stands for itself, byte for byte' }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'headers of the request, where the source’s format reads some', default: {} }),
    ),
    event: Type.Optional(Attributes),
    receivedAt: Type.String({ description: 'when it came, RFC 3339', default: '2026-01-01T00:00:00Z' }),
  },
  { ...closed, description: 'what comes in: a `body`, or an `event`' },
);

const Expect = Type.Object(
  {
    to: Names('exactly these sinks, in any order; a sink that is owed twice is named twice'),
    rows: Names('exactly these rows, in any order; `otherwise` is the section of that name'),
    not: Type.Optional(
      Type.Object({ to: Names('none of these sinks'), rows: Names('none of these rows') }, { ...closed, description: 'what must not be' }),
    ),
    messages: Type.Optional(
      Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
        description:
          'by sink, parts of what is sent: Slack `text`, `blocks`; Kafka `topic`, `key`, `headers`, `value`; HTTP `method`, `url`, `headers`, `body`; console `line`. Texts are compared exactly, mappings by the keys given',
      }),
    ),
    reason: Type.Optional(
      Type.Enum(['unrouted', 'undecodable', 'missing_id', 'route_error', 'render_error'], {
        description: 'a dead letter with this reason is kept; without it, one of any but `unrouted` fails the test',
      }),
    ),
  },
  { ...closed, description: 'what must become of it; a list is short for `to`' },
);

/** One test of the routing table, `expect` written out as a mapping. */
export const TestCase = Type.Object(
  { name: Type.String({ description: 'what it shows, as a sentence', minLength: 1 }), given: Given, expect: Expect },
  { ...closed },
);

/** The same as editors see it: `expect` may be a list. */
export const TestInEditor = Type.Object(
  { ...TestCase.properties, expect: Type.Union([Type.Array(Type.String()), Expect], { description: 'the sinks it goes to, or a mapping' }) },
  { ...closed },
);

/** A file of nothing but tests. */
export const TestFileSchema = Type.Object({ tests: Type.Array(Type.Unknown(), { description: 'tests of the routing table' }) }, closed);

export type TestShape = Static<typeof TestCase>;
export type EventAttributes = Static<typeof Attributes>;
