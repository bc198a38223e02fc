import { DatabaseSync } from '@photostructure/sqlite';
import { crc32 } from 'node:zlib';
import { identityOf, type Batch } from './events.js';
import { CONNECTIONS, type Loaded } from './generator.js';

/** What a place holds of a batch. */
export interface Held {
  /** Different events, whole. */
  readonly arrived: number;
  readonly repeated: number;
  readonly altered: number;
}

/** What the database of a bridge that was stopped holds of a batch. Throws where there is an event of it that has not one delivery alone, and delivered. */
export function storedOf(path: string, { run, checks }: Batch, afterSeq = 0): Held {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database
      .prepare('select body, (select count(*) <> 1 or sum(state <> 1) > 0 from deliveries where event_seq = seq) as open from events where seq > ?')
      .iterate(afterSeq) as Iterable<{ body: Uint8Array; open: number }>;
    const seen = new Uint8Array(checks.length);
    let [arrived, repeated, altered, open] = [0, 0, 0, 0];
    for (const row of rows) {
      const body = Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength);
      const identity = identityOf(body);
      if (identity?.run !== run) continue;
      open += row.open;
      if (crc32(body) !== checks[identity.n]) altered += 1;
      else if (seen[identity.n] === 1) repeated += 1;
      else arrived += seen[identity.n] = 1;
    }
    if (open > 0) throw new Error(`${open} events were not delivered`);
    return { arrived, repeated, altered };
  } finally {
    database.close();
  }
}

/** Throws where an event that was answered is not there, or not as it was sent. What was under way at the end may be there or not. `repeats`: at least once is what is promised. */
export function insist(where: string, held: Held, { answered, sent }: Pick<Loaded, 'answered' | 'sent'>, { repeats = false } = {}): void {
  const faults = [
    held.arrived < answered ? `${answered - held.arrived} of ${answered} answered events are not there` : '',
    held.arrived > sent ? `${held.arrived} events are there, of ${sent} that were sent` : '',
    sent - answered > CONNECTIONS ? `${sent - answered} events were not answered` : '',
    held.altered > 0 ? `${held.altered} are not what was sent` : '',
    held.repeated > 0 && !repeats ? `${held.repeated} are there twice` : '',
  ].filter((fault) => fault !== '');
  if (faults.length > 0) throw new Error(`${where}: ${faults.join('; ')}: a run that loses or alters something has no speed`);
}
