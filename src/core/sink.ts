import type { DeadLetter } from './delivery.js';
import type { EventView } from './event.js';
import type { Outcome } from './outcome.js';
import type { Problem, Report } from './problem.js';

/** What rendering made of a delivery: all a sink gets to see. */
export interface Message<Content = unknown> {
  /** Never changes over retries and replays: consumers deduplicate by it. */
  readonly deliveryId: string;
  readonly event: {
    /** The sender's id. */
    readonly id: string;
    readonly source: string;
    readonly type: string;
    /** RFC 3339, UTC. */
    readonly receivedAt: string;
    readonly receivedMs: number;
    /** When it happened, as the sender wrote it. */
    readonly time: string | null;
  };
  /** The received bytes, unchanged. */
  readonly body: Buffer;
  /** Set where it is a dead letter of another sink that is forwarded. */
  readonly dead?: DeadLetter;
  /** What the sink's own `prepare` rendered. */
  readonly content: Content;
}

/** Deliveries that become one message, the oldest first; at least two. */
export interface Digest<Content> {
  readonly sink: string;
  /** What they have in common, by `digest.by`; null where that gives nothing, or nothing is asked for. */
  readonly group: string | null;
  readonly members: readonly DigestMember<Content>[];
}

export interface DigestMember<Content> {
  readonly event: EventView;
  readonly dead: DeadLetter | null;
  /** The message it would be by itself. Throws where it cannot be rendered. */
  readonly content: () => Content;
}

/** Where events go. */
export interface Sink<Content = unknown> {
  /** Sends one batch once. Never retries, never throws for what the far side did; stops when `signal` does. One Outcome per message, in order. */
  send(batch: readonly Message<Content>[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /** Lets go of every connection. Called once, after the last `send` has returned. */
  close(): Promise<void>;
}

/** Compiles the texts of a configuration, once, when it is loaded. A mistake is reported at `path`; the function returned is then never called. */
export interface Compiler {
  /** A CEL expression over `event`. '' and null count as no value. The function throws where the expression cannot be evaluated. */
  expression(source: string, path: Problem['path']): (event: EventView) => string | null;
  /** A text with CEL in braces, `castai.{event.type}`; `{{` is a brace. `encode` is applied to each computed part. */
  interpolated(source: string, path: Problem['path'], encode?: (value: string) => string): Interpolated;
  /** A Liquid template. Every value that is put out goes through `escape`, unless it is filtered by `raw`. Throws where it cannot be rendered. */
  template(source: string, path: Problem['path'], escape: (value: string) => string): (event: EventView) => string;
  /** A Liquid template in a structure: one output and nothing else gives the value itself, of whatever type; anything else a text. Nothing is escaped. */
  value(source: string, path: Problem['path']): (event: EventView) => unknown;
}

/** A text whose parts in braces are computed. */
export interface Interpolated {
  /** What stands before the first brace: the whole text where nothing is computed. */
  readonly literalPrefix: string;
  readonly computed: boolean;
  render(event: EventView): string;
}

/** What a sink is given beside its configuration. */
export interface SinkContext {
  readonly name: string;
  /** How long a `send` may take: its signal aborts then. */
  readonly timeoutMs: number;
  /** The clock: what is signed says when. */
  readonly nowMs: () => number;
  /** The process's environment, for what programs take from it by custom: proxies. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** The part of a logger that is used. Fields first, then a constant message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How a lane treats a sink, where the YAML does not say. */
export interface LaneDefaults {
  readonly concurrency: number;
  /** Messages a `send`. 1 where the far side takes one at a time. */
  readonly batch: number;
  readonly timeoutMs: number;
  /** Messages a second; null: as fast as it goes. */
  readonly pacePerSecond: number | null;
  /** Messages that may go at once after a quiet time, where there is a pace; without it, what the pace gives in a second. */
  readonly burst?: number;
}

/** What would be sent, by the names the far side has for its parts. */
export type Preview = Readonly<Record<string, unknown>>;

/** A kind of sink: one file, one line in kinds.ts, one contract test. */
export interface SinkKind<Config = never, Content = never> {
  readonly type: string;
  /** One paragraph for the reference page. */
  readonly description: string;
  /** TypeBox schema of the kind's own keys; the lane's keys (`retry`, `timeout`, `concurrency`, `batch`, `pace`) are added for all kinds. */
  readonly schema: object;
  readonly lane: LaneDefaults;
  /** Checks what a schema cannot, and compiles the texts. Pure: no I/O. */
  prepare(config: Config, compiler: Compiler, report: Report): (event: EventView, body: Buffer, dead: DeadLetter | null) => Content;
  /** Makes one message of many. Where it is absent, sinks of the kind have no `digest`. Pure, and never throws. */
  readonly digest?: (digest: Digest<Content>) => Content;
  /**
   * What `send` would send of this message, as plain JSON, for people who ask before it runs: `send` is made of the same functions.
   * `refused` says why it would not be sent, where that is known before. Secrets are in it: whoever shows it redacts. Pure.
   */
  preview(config: Config, message: Message<Content>): Preview;
  /** Texts of the configuration that must be shown nowhere, beside those that the schema calls secrets. */
  secrets?(config: Config): readonly string[];
  /** Where the configuration asks for it: what deliveries have in common that go one after another. Null: it does not. */
  ordering?(config: Config, compiler: Compiler): ((event: EventView) => string | null) | null;
  /** What sinks share whose far side counts them together: they keep one pace. */
  pacedBy?(config: Config): string;
  /** Opens the sink. Must not fail because the far side is away: that is a retry. */
  open(config: Config, context: SinkContext): Sink<Content>;
}
