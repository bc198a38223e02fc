import { hostname, userInfo } from 'node:os';
import type { StoredEvent } from '../core/event.js';
import type { DueDelivery } from '../core/store.js';
import { createView, type View } from '../delivery/view.js';
import { castaiEvent } from '../sources/format/castai-event.js';

/** No sender has events of this type. */
const TYPE = 'castbridge.test';
const NAME = 'Test message from castbridge';
const SEVERITY = 'info';

interface Asked {
  readonly sink: string;
  /** Beginning with `test-`: no id of a bridge does, so that it is nobody's duplicate. */
  readonly id: string;
  readonly sentBy: string;
  readonly nowMs: number;
  /** The payload, as JSON; null: the label stands in its place. */
  readonly data: string | null;
}

/** An event that nobody takes for a real one, owed to one sink, and how it is seen. */
export function testDelivery({ sink, id, sentBy, nowMs, data }: Asked): { readonly delivery: DueDelivery; readonly view: View } {
  const created = new Date(nowMs).toISOString();
  const label = { severity: SEVERITY, name: NAME, message: `Sent by ${sentBy} at ${created} to try the sink ${sink}. Nothing has happened.` };
  const event: StoredEvent = {
    uid: id,
    id,
    source: 'castbridge',
    format: castaiEvent.type,
    type: TYPE,
    receivedMs: nowMs,
    headers: {},
    body: Buffer.from(bodyOf({ id, created }, data ?? JSON.stringify(label))),
  };
  const read = createView([castaiEvent], () => undefined);
  const view: View = (stored) => {
    const seen = read(stored);
    // Whatever a payload calls itself.
    return seen === null ? null : { ...seen, ...label };
  };
  return { delivery: { event, index: 0, route: null, sink, attempts: 0, sinceMs: nowMs }, view };
}

/** The payload stands in it as it is written: reading and writing it again would change large numbers. */
function bodyOf({ id, created }: { readonly id: string; readonly created: string }, data: string): string {
  return `{"id":${JSON.stringify(id)},"type":${JSON.stringify(TYPE)},"data":${data},"created":${JSON.stringify(created)}}`;
}

/** Who runs this, `ada@laptop`. In a container the user may have a number alone. */
export function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `uid-${process.getuid?.() ?? '?'}@${hostname()}`;
  }
}
