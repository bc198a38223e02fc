import type { Message } from '../core/sink.js';

/** The headers every outgoing HTTP request and every Kafka record carries. */
export function castbridgeHeaders({ deliveryId, event }: Message): Record<string, string> {
  return {
    'castbridge-event-id': event.id,
    'castbridge-delivery-id': deliveryId,
    'castbridge-source': event.source,
    'castbridge-type': event.type,
    'castbridge-received-at': event.receivedAt,
  };
}

/** Headers that a configuration may not set: they belong to the bridge, or to the connection. */
const OWN = /^(castbridge-.*|content-length|transfer-encoding|connection|host|upgrade|expect|keep-alive|te|trailer)$/i;

/** Why a header cannot be configured; null where it can. */
export function headerFault(name: string): { readonly what: string; readonly remedy: string } | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return { what: `"${name}" is no name of a header`, remedy: 'use letters, digits and "-"' };
  if (OWN.test(name)) return { what: `the bridge sets "${name}" itself`, remedy: 'delete it, or give it another name' };
  return null;
}
