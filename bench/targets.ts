/** A line of the table of targets. */
export interface Target {
  /** Names the note on why it is not met, `## why FIGURE` in notes.md. */
  readonly figure: string;
  readonly measure: string;
  readonly target: string;
  readonly unit: string;
  readonly met: (value: number) => boolean;
}

const atMost = (limit: number) => (value: number) => value <= limit;
const atLeast = (limit: number) => (value: number) => value >= limit;

/** On 2 cores, the load generator included; ratios within one run. */
export const targets: readonly Target[] = [
  {
    figure: 'ingest.cpuToKoa',
    measure: 'ingest, CPU per durable event against the bare Koa verifier',
    target: '≤ 1.8 ×',
    unit: ' ×',
    met: atMost(1.8),
  },
  {
    figure: 'ingest.cpuToHttp',
    measure: 'ingest, CPU per durable event against the bare node:http verifier',
    target: '≤ 2.5 ×',
    unit: ' ×',
    met: atMost(2.5),
  },
  {
    figure: 'ingest.perSecond',
    measure: 'ingest throughput at 64 connections, everything durable',
    target: '≥ 12,000 events/s',
    unit: ' events/s',
    met: atLeast(12_000),
  },
  { figure: 'ingest.perSecondToKoa', measure: 'the same against the bare Koa verifier', target: '≥ 0.6 ×', unit: ' ×', met: atLeast(0.6) },
  {
    figure: 'forward.cpuToHandler',
    measure: 'receive, store, forward over HTTP, settle: CPU per event against the handler that awaits its sink, Redis’s CPU counted',
    target: '≤ 0.5 ×',
    unit: ' ×',
    met: atMost(0.5),
  },
  ...(['console', 'http', 'kafka'] as const).map((sink) => ({
    figure: `latency.ackP99At5000.${sink}`,
    measure: `ack p99 at 5,000 events/s offered, warm; to ${{ console: 'the console', http: 'HTTP', kafka: 'Kafka' }[sink]}`,
    target: '≤ 10 ms',
    unit: ' ms',
    met: atMost(10),
  })),
  {
    figure: 'latency.httpP99At2000',
    measure: 'end to end p99 (request to arrival over HTTP) at 2,000 events/s',
    target: '≤ 25 ms',
    unit: ' ms',
    met: atMost(25),
  },
  { figure: 'drain.httpPerSecond', measure: 'drain to HTTP', target: '≥ 20,000 deliveries/s', unit: ' deliveries/s', met: atLeast(20_000) },
  { figure: 'drain.kafkaPerSecond', measure: 'drain to Kafka', target: '≥ 25,000 deliveries/s', unit: ' deliveries/s', met: atLeast(25_000) },
  {
    figure: 'routing.eventUs',
    measure: 'routing, 10,000 rows that differ by literal type or cluster, with CEL on the candidates',
    target: '≤ 20 µs an event',
    unit: ' µs',
    met: atMost(20),
  },
  {
    figure: 'growth.cpuAtKeys',
    measure: 'ingest CPU at 10 million dedup keys against an empty store',
    target: '≤ 1.3 ×',
    unit: ' ×',
    met: atMost(1.3),
  },
  { figure: 'growth.rssAtBacklog', measure: 'RSS at 1 million waiting deliveries', target: '≤ 250 MB', unit: ' MB', met: atMost(250) },
  { figure: 'idle.percent', measure: 'idle CPU', target: '< 0.5 % of a core', unit: ' %', met: (value) => value < 0.5 },
];
