import { performance } from 'node:perf_hooks';
import type { SinkConfiguration } from '../config/configuration.js';
import type { Outcome } from '../core/outcome.js';
import type { Redact } from '../core/redact.js';
import type { Log, Preview, Sink, SinkContext } from '../core/sink.js';
import type { DueDelivery } from '../core/store.js';
import { attempt } from '../delivery/attempt.js';
import { createDeadlines } from '../delivery/deadlines.js';
import { closeSink } from '../delivery/closing.js';
import type { View } from '../delivery/view.js';
import { EXIT, Failure } from './exit.js';

/** What is sent, and how. */
interface Sending {
  readonly delivery: DueDelivery;
  readonly view: View;
  readonly redact: Redact;
  readonly environment: SinkContext['environment'];
  readonly stop: AbortSignal;
  /** Told before it is sent: one that hangs is seen, too. Not where it cannot be rendered. */
  readonly onMessage: (message: Preview) => void;
}

interface SentOnce {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

/** Opens one sink, makes the attempt that its lane would make, and closes it. */
export async function sendOnce(configured: SinkConfiguration, { delivery, view, redact, environment, stop, onMessage }: Sending): Promise<SentOnce> {
  const { kind, config, render, lane } = configured;
  const sink = opened(configured, { redact, environment });
  let beganMs = performance.now();
  const shown: Sink = {
    send: (batch, signal) => {
      for (const message of batch) onMessage(kind.preview(config, message));
      beganMs = performance.now();
      return sink.send(batch, signal);
    },
    close: () => sink.close(),
  };
  try {
    const [outcome] = await attempt(
      [delivery],
      { sink: shown, render, view, timeoutMs: lane.timeoutMs, redact },
      createDeadlines(lane.timeoutMs, stop),
    );
    if (outcome === undefined) throw new Error('an attempt has no outcome');
    return { outcome, durationMs: Math.round(performance.now() - beganMs) };
  } finally {
    await closeSink(sink);
  }
}

function opened(
  { name, kind, config, lane: { timeoutMs } }: SinkConfiguration,
  { redact, environment }: Pick<Sending, 'redact' | 'environment'>,
): Sink {
  try {
    return kind.open(config, { name, timeoutMs, nowMs: Date.now, environment, log: SILENT });
  } catch (error) {
    throw new Failure(EXIT.no, redact(`sinks.${name}: it cannot be opened: ${error instanceof Error ? error.message : String(error)}`));
  }
}

/** What a sink logs is for whoever runs a bridge: all that there is to say here is the outcome. */
const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
