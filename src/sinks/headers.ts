import type { DeadLetter } from '../core/delivery.js';
import type { EventView } from '../core/event.js';
import type { Problem, Report } from '../core/problem.js';
import type { Compiler, Message } from '../core/sink.js';

/** The headers every outgoing HTTP request and every Kafka record carries. */
export function castbridgeHeaders({ deliveryId, event, dead }: Message): Record<string, string> {
  return {
    ...(dead === undefined ? {} : deadHeaders(dead)),
    'castbridge-event-id': event.id,
    'castbridge-delivery-id': deliveryId,
    'castbridge-source': event.source,
    'castbridge-type': event.type,
    'castbridge-received-at': event.receivedAt,
  };
}

/** Those of a dead letter that is forwarded. */
function deadHeaders({ deliveryId, sink, route, reason, attempts, detail }: DeadLetter): Record<string, string> {
  return {
    'castbridge-dead-delivery-id': deliveryId,
    'castbridge-dead-reason': reason,
    'castbridge-dead-attempts': String(attempts),
    'castbridge-dead-detail': detail,
    ...(sink === null ? {} : { 'castbridge-dead-sink': sink }),
    ...(route === null ? {} : { 'castbridge-dead-route': route }),
  };
}

/** Headers that a configuration may not set: they belong to the bridge, or to the connection. */
const OWN = /^(castbridge-.*|content-length|transfer-encoding|connection|host|upgrade|expect|keep-alive|te|trailer)$/i;

/** Why something cannot be configured, and what to do. */
type Fault = Pick<Problem, 'what' | 'remedy'>;

/** Compiles configured headers; those that belong to the bridge are reported, and values of which `faultOf` knows that they cannot be carried. */
export function compileHeaders(
  configured: Readonly<Record<string, string>>,
  compiler: Compiler,
  report: Report,
  faultOf: (literal: string) => Fault | null = () => null,
): (event: EventView) => Record<string, string> {
  const headers = Object.entries(configured).map(([name, value]) => {
    const path = ['headers', name];
    const text = compiler.interpolated(value, path);
    const wrong = headerFault(name) ?? faultOf(text.literalPrefix);
    if (wrong !== null) report({ path, ...wrong });
    return [name, text] as const;
  });
  return (event) => Object.fromEntries(headers.map(([name, value]) => [name, value.render(event)]));
}

/** Why a header cannot be configured; null where it can. */
function headerFault(name: string): Fault | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return { what: `"${name}" is no name of a header`, remedy: 'use letters, digits and "-"' };
  if (OWN.test(name)) return { what: `the bridge sets "${name}" itself`, remedy: 'delete it, or give it another name' };
  return null;
}
