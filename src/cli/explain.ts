import { readFileSync } from 'node:fs';
import type { Configuration } from '../config/configuration.js';
import type { EventHeaders } from '../core/event.js';
import { createRedact } from '../core/redact.js';
import { eventsIn, type CameIn, type ReadingSource } from '../core/source.js';
import type { StoryView } from '../ops/present.js';
import { readEvent } from '../trial/event.js';
import { explainEvent, type Explanation } from '../trial/explain.js';
import { redacted } from '../trial/redacted.js';
import { connect } from './client.js';
import { configured } from './configured.js';
import { EXIT, Failure } from './exit.js';
import { explanationLines } from './explanation.js';
import type { Invocation } from './invocation.js';
import { sourceNamed } from './source-named.js';

interface Options {
  readonly source?: string;
  readonly header?: readonly string[];
  readonly id?: string;
  readonly all?: boolean;
}

/** What is explained: an event that came to a source, or would. */
interface Asked extends CameIn {
  readonly source: ReadingSource;
  /** What the ids of its deliveries begin with. */
  readonly uid: string;
}

/** `castbridge explain [FILE|-]`, `castbridge explain --id ID`: what would become of an event, and why. The answer is no where nothing could be sent, or not all. */
export async function explain(invocation: Invocation, file: string | undefined, options: Options): Promise<number> {
  if (options.id !== undefined && file !== undefined) throw new Failure(EXIT.usage, 'name a file or --id, not both');
  const { config } = configured(invocation);
  const events = options.id === undefined ? posted(file ?? '-', config, options) : [await received(options.id, config, invocation)];
  const redact = createRedact(config.secrets);
  const explained = events.map((asked) => {
    const explanation = explainEvent(config, readEvent(asked.source, asked), asked.uid);
    const shown = redacted(explanation, redact) as Explanation;
    if (invocation.json) invocation.out(JSON.stringify({ source: asked.source.name, ...shown }));
    else for (const line of explanationLines(asked.source.name, shown, options.all === true)) invocation.out(line);
    return explanation;
  });
  return explained.every(({ ok }) => ok) ? EXIT.done : EXIT.no;
}

function posted(file: string, { readers }: Configuration, options: Options): Asked[] {
  const sources = [...readers.values()];
  const [only, ...others] = sources;
  if (options.source === undefined && others.length > 0)
    throw new Failure(EXIT.usage, `name the source with --source, one of ${sources.map(({ name }) => name).join(', ')}`);
  const source = options.source === undefined ? only : sourceNamed(options.source, sources);
  if (source === undefined) throw new Failure(EXIT.usage, 'the configuration has no source');
  const came = { source, headers: headersOf(options.header ?? []), receivedMs: Date.now(), uid: 'explained' };
  return eventsIn(source.format, bytesOf(file)).map((body) => ({ ...came, body }));
}

function headersOf(lines: readonly string[]): EventHeaders {
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Failure(EXIT.usage, "a --header has no colon; write it as in --header 'x-github-event: push'");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(pairs) as EventHeaders;
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? process.stdin.fd : file);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Failure(EXIT.usage, `${file === '-' ? 'standard input' : file} cannot be read (${why})`);
  }
}

/** An event as the running bridge keeps it, through the table as the file has it now. */
async function received(id: string, { readers }: Configuration, invocation: Invocation): Promise<Asked> {
  const { events } = (await connect(invocation)('GET', `/api/events/${encodeURIComponent(id)}?body=whole`)) as { events: StoryView[] };
  const [story, ...others] = events;
  if (story === undefined) throw new Failure(EXIT.no, `there is no event "${id}"`);
  if (others.length > 0)
    throw new Failure(EXIT.usage, `several events have this id; name one by the bridge's: ${events.map(({ event }) => event).join(', ')}`);
  if (story.damaged) throw new Failure(EXIT.no, 'the stored event is not what was received: it is never sent');
  const body = Buffer.from(story.body, story.bodyEncoding === 'base64' ? 'base64' : 'utf8');
  return {
    body,
    headers: story.headers,
    source: sourceNamed(story.source, [...readers.values()]),
    receivedMs: Date.parse(story.receivedAt),
    uid: story.event,
  };
}
