import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Configuration, SinkConfiguration } from '../config/configuration.js';
import { sizeText } from '../config/schema/units.js';
import { deliveryId } from '../core/delivery.js';
import { createRedact } from '../core/redact.js';
import type { Preview } from '../core/sink.js';
import { nearest } from '../core/suggest.js';
import { readJson, textOf } from '../sources/format/json-body.js';
import { redacted } from '../trial/redacted.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import { partLines } from './explanation.js';
import type { Invocation } from './invocation.js';
import { sendOnce } from './send-once.js';
import { conclusionOf, resultLines, targetLine, targetOf, type Report, type Target } from './send-report.js';
import { testDelivery, whoami } from './test-event.js';

interface Options {
  readonly sink?: string;
  readonly data?: string;
}

/** `castbridge send [FILE] --sink NAME`: one labelled test message to one sink, in this process. The answer is no where it is not delivered. */
export async function send(invocation: Invocation, given: string | undefined, options: Options): Promise<number> {
  const { config } = configured({ ...invocation, config: given ?? invocation.config });
  const sink = sinkOf(options.sink, config.sinks);
  const data = options.data === undefined ? null : await payloadOf(options.data, config.server.bodyBytesMax);
  const redact = createRedact(config.secrets);
  const { json, out } = invocation;
  const target = redacted(targetOf(sink), redact) as Target;
  if (!json) out(targetLine(target));
  let message: Preview | null = null;
  const onMessage = (preview: Preview): void => {
    message = redacted(preview, redact) as Preview;
    if (!json) for (const line of partLines(message, '  ')) out(line);
  };

  const nowMs = Date.now();
  const { delivery, view } = testDelivery({ sink: sink.name, id: `test-${randomUUID()}`, sentBy: whoami(), nowMs, data });
  const stop = stopAtCtrlC();
  const { outcome, durationMs } = await sendOnce(sink, { delivery, view, redact, environment: invocation.env, stop, onMessage });

  const id = deliveryId(delivery.event.uid, delivery.index);
  const interrupted = stop.aborted && outcome.kind === 'retry';
  const conclusion = conclusionOf(outcome, sink.lane.retry, nowMs);
  const report: Report = { ...target, deliveryId: id, message, durationMs, ...conclusion, ...(interrupted && { interrupted }) };
  if (json) out(JSON.stringify(report));
  else for (const line of resultLines(report, outcome, sink.lane.retry)) out(line);
  if (interrupted) return EXIT.interrupted;
  return outcome.kind === 'delivered' ? EXIT.done : EXIT.no;
}

function sinkOf(name: string | undefined, sinks: Configuration['sinks']): SinkConfiguration {
  const [only, ...others] = sinks;
  const names = sinks.map((sink) => sink.name);
  if (name === undefined) {
    if (only !== undefined && others.length === 0) return only;
    throw new Failure(EXIT.usage, `name the sink with --sink, one of ${names.join(', ')}`);
  }
  const sink = sinks.find((one) => one.name === name);
  if (sink !== undefined) return sink;
  const near = nearest(name, names);
  throw new Failure(EXIT.usage, `no sink named "${name}"; ${near === null ? '' : `did you mean "${near}"? `}known are: ${names.join(', ')}`);
}

/** The text of a payload; no more of it is read than a bridge takes in. */
async function payloadOf(file: string, bytesMax: number): Promise<string> {
  const shown = file === '-' ? 'standard input' : file;
  const payload = await readUpTo(file, bytesMax + 1).catch((error: unknown) => {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Failure(EXIT.usage, `${shown} cannot be read (${why})`);
  });
  if (payload.length > bytesMax)
    throw new Failure(EXIT.usage, `${shown} is larger than an event may be (\`server.bodyLimit\`: ${sizeText(bytesMax)})`);
  const read = readJson(payload);
  if (!read.ok) throw new Failure(EXIT.usage, `--data: ${read.detail.replace(/^the body/, shown)}`);
  return (textOf(payload) ?? '').trim();
}

/** Not with `readFileSync`: a pipe may have nothing yet, and a device has no end. */
async function readUpTo(file: string, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks);
}

/** The second Ctrl-C ends the process at once. */
function stopAtCtrlC(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  return stop.signal;
}
