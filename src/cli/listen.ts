import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { streamFrom } from './client.js';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';
import { oneLine } from './table.js';

/** Of what is wrong with a request: the remedy stands at its end. */
const DETAIL_CHARS_MAX = 400;

/** Silence after which it says where to post. */
const SILENT_MS = 10_000;

/** A line of the feed: see `src/ops/feed.ts`. */
interface Happening {
  readonly at: string;
  readonly kind: string;
  readonly source: string;
  readonly [key: string]: unknown;
}

/** The first line of it. */
interface Listening {
  readonly kind: 'listening';
  readonly sources: readonly { readonly name: string; readonly path: string | null }[];
}

/** `castbridge listen [NAME]`: what arrives at a source, and what becomes of it, while it happens; until Ctrl-C. */
export async function listen(invocation: Invocation, name: string | undefined): Promise<number> {
  const { out, err, json } = invocation;
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  const lines = await streamFrom(invocation, `/api/feed${name === undefined ? '' : `?source=${encodeURIComponent(name)}`}`, stopped.signal);
  const silent = setTimeout(() => err(`no request yet: \`castbridge source ${name ?? 'NAME'}\` prints a line that posts one`), SILENT_MS);
  try {
    for await (const line of createInterface({ input: Readable.fromWeb(lines) })) {
      if (line === '') continue;
      const happening = JSON.parse(line) as Happening | Listening;
      if (happening.kind === 'listening') {
        err(
          `listening to ${(happening as Listening).sources.map(({ name: source, path }) => `${source} (${path ?? 'it is asked'})`).join(', ')}; Ctrl-C ends it`,
        );
        continue;
      }
      clearTimeout(silent);
      out(json ? line : told(happening as Happening));
    }
  } catch (error) {
    if (!stopped.signal.aborted)
      throw new Failure(EXIT.unreachable, `the bridge is gone (${error instanceof Error ? error.message : String(error)})`);
  } finally {
    clearTimeout(silent);
  }
  if (stopped.signal.aborted) return EXIT.done;
  throw new Failure(EXIT.unreachable, 'the bridge has ended');
}

/** What a reason comes to, for whoever sets a sender up. */
const REFUSALS: Readonly<Record<string, string>> = {
  signature: 'not authentic',
  undecodable: 'not readable',
  missing_id: 'no id',
  not_found: 'no source has this path',
  method: 'not a POST',
  store_unavailable: 'the store cannot write',
};

function told({ at, kind, source, ...fact }: Happening): string {
  const text = (key: string): string => {
    const value = fact[key];
    return typeof value === 'string' || typeof value === 'number' ? oneLine(String(value), DETAIL_CHARS_MAX) : '';
  };
  const event = `${text('id') || text('eventId') || '-'} (${text('type') || 'no type'})`;
  return `${at.slice(11, 19)}  ${source || '-'}  ${whatOf()}`;

  function whatOf(): string {
    switch (kind) {
      case 'accepted':
        return fact['deliveries'] === 0
          ? `${event}: received`
          : `${event}: received, to be delivered ${text('deliveries')} times`.replace(' 1 times', ' once');
      case 'duplicate':
        return `${event}: a duplicate, seen before: not delivered again`;
      case 'refused':
        return `${text('status')} ${REFUSALS[text('reason')] ?? text('reason')}${text('detail') === '' ? '' : `: ${text('detail')}`}`;
      case 'misrouted':
        return `${event}: ${text('reason') === 'unrouted' ? 'no row matched; kept as a dead letter' : `${text('reason')}: ${text('detail')}`}`;
      case 'attempted':
        return `${event}: ${attemptOf(fact)}`;
      case 'pollFailed':
        return `it could not be asked, and is again in ${Math.ceil(Number(fact['againMs']) / 1_000)} s: ${text('detail')}`;
      case 'pollStopped':
        return `it is not asked any more, until the configuration is read again: ${text('detail')}`;
      default:
        return `${text('count')} more, left out: they come faster than they are read`;
    }
  }
}

function attemptOf({ sink, settlement, outcome, attempt }: Readonly<Record<string, unknown>>): string {
  const { state } = settlement as { readonly state: string };
  const { reason = '', answer = '' } = outcome as { readonly reason?: string; readonly answer?: string };
  const why = oneLine([reason, answer].filter((part) => part !== '').join(': '), DETAIL_CHARS_MAX);
  const where = `to ${String(sink)}${why === '' ? '' : ` (${why})`}`;
  if (state === 'delivered') return `delivered ${where}`;
  return `${state === 'dead' ? 'NOT delivered' : `attempt ${String(attempt)} failed, it is tried again`} ${where}`;
}
