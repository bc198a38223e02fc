import type { EventHeaders, EventView } from '../core/event.js';
import type { DeadLetter, RetryPolicy } from '../core/delivery.js';
import type { SinkKind } from '../core/sink.js';
import type { PollerKind, ReadingSource, Setup, Verify } from '../core/source.js';
import type { StoreKind } from '../core/store.js';
import type { Described } from './described.js';
import type { RouteRow, RoutingTable } from '../routing/table.js';
import type { RoutingTest } from './tests.js';

/** A configuration that was checked: nothing in it can fail for a mistake in the YAML any more. Times in ms, sizes in bytes. */
export interface Configuration {
  readonly file: string;
  readonly server: ServerConfiguration;
  readonly operations: OperationsConfiguration;
  readonly storage: StorageConfiguration;
  readonly dedupWindowMs: number;
  readonly shutdownMs: number;
  readonly sources: readonly SourceConfiguration[];
  /** Those that are asked for their events. */
  readonly pollers: readonly PollerConfiguration[];
  /** Both, by their names: how each reads its events. */
  readonly readers: ReadonlyMap<string, ReadingSource>;
  readonly sinks: readonly SinkConfiguration[];
  /** Sinks that dead letters are forwarded to, where their sink does not say, or they have none. */
  readonly deadTo: readonly string[];
  readonly table: RoutingTable;
  /** How many rows it has. */
  readonly routes: number;
  /** What of it is neither a source nor a sink nor a row, to be compared: units are written out, secrets stand in it. */
  readonly settings: Described['settings'];
  /** The same as plain data, to be compared and shown: secrets are fingerprints made with `salt`. */
  readonly describe: (salt: string) => Described;
  /** Names of the rows, in order; `otherwise` last, where there is one. */
  readonly rows: readonly string[];
  /** What the rows ask and where they lead, in order; `otherwise` last, where there is one: as a row that asks nothing. */
  readonly leads: readonly Lead[];
  /** The tests of the table, those of other files behind its own. */
  readonly tests: readonly RoutingTest[];
  /** Every secret text in the configuration: redacted wherever the bridge shows what a far side said. */
  readonly secrets: readonly string[];
  /** Secret files that do not exist yet: they are made, mode 0600, before it is in force. */
  readonly secretFiles: readonly { readonly path: string; readonly secret: string }[];
}

/** A row of the table, as far as it can be told without an event: by which patterns it leads to which sinks. */
export type Lead = Pick<RouteRow, 'name' | 'match' | 'to'>;

export interface ServerConfiguration {
  readonly host: string;
  readonly port: number;
  readonly bodyBytesMax: number;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

export interface OperationsConfiguration {
  readonly host: string;
  readonly port: number;
  /** Null only where the listener is bound to loopback. */
  readonly token: string | null;
}

export interface StorageConfiguration {
  readonly kind: StoreKind<unknown>;
  /** The kind's own keys, as its schema types them. */
  readonly config: unknown;
  readonly retentionMs: number;
}

export interface SourceConfiguration extends ReadingSource {
  readonly path: string;
  readonly verify: Verify;
  readonly verifyType: string;
  /** What `trigger` signs with; null where the verifier has none. */
  readonly signingSecret: string | null;
  readonly gzip: boolean;
  /** For whoever sets its sender up. */
  readonly setup: (sent: EventHeaders) => Setup;
}

export interface PollerConfiguration {
  readonly name: string;
  /** How its events are read, and whose they are. */
  readonly reads: ReadingSource;
  readonly kind: PollerKind<unknown>;
  /** The kind's own keys, as its schema types them. */
  readonly config: unknown;
}

export interface SinkConfiguration {
  readonly name: string;
  readonly kind: SinkKind<unknown, unknown>;
  /** The kind's own keys, as its schema types them. */
  readonly config: unknown;
  readonly lane: LaneConfiguration;
  /** Sinks that its dead letters are forwarded to. */
  readonly deadTo: readonly string[];
  /** What deliveries have in common that go one after another; null: they go in no order. */
  readonly orderKey: ((event: EventView) => string | null) | null;
  /** Compiled from the sink's texts. Throws where a text cannot be rendered for this event. */
  readonly render: (event: EventView, body: Buffer, dead: DeadLetter | null) => unknown;
}

export interface LaneConfiguration {
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly batch: number;
  /** Messages a second; null: as fast as it goes. */
  readonly pacePerSecond: number | null;
  /** Messages that may go at once after a quiet time. */
  readonly burst: number;
  /** Null: each is a message of its own. */
  readonly digest: DigestConfiguration | null;
}

export interface DigestConfiguration {
  /** As long as no more than this wait, each is a message of its own. */
  readonly after: number;
  readonly by: (event: EventView) => string | null;
  readonly except: (event: EventView) => boolean;
}
