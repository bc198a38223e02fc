import { crc32 } from 'node:zlib';
import type { StoredEvent } from '../../core/event.js';
import type { Checkpoint } from '../../core/store.js';

/** In the place of a checksum: what was stored is lost in part, and equals no checksum. */
export const KNOWN_DAMAGED = -1;

/** The same for a checkpoint. */
export function checkpointSum({ source, state }: Checkpoint): number {
  return crc32(`${source}\0${state}`);
}

/** An event as its row has it: `headers` is null where there is none. */
type Summed = Omit<StoredEvent, 'body' | 'headers'> & { readonly body: Uint8Array; readonly headers: string | null };

/** SQLite has no checksums of its own: this one says at every reading whether an event is still what was received. */
export function checksumOf({ uid, source, format, id, type, receivedMs, body, headers }: Summed): number {
  const columns = `${uid}\0${source}\0${format}\0${receivedMs}\0${id.length}\0${id}\0${type}`;
  return crc32(body, crc32(headers === null ? columns : `${columns}\0${headers}`));
}
