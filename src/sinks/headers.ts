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
export type Fault = Pick<Problem, 'what' | 'remedy'>;

/** What a kind of sink knows of its headers. */
interface HeaderRules {
  /** Further names that belong to the bridge. */
  readonly own?: RegExp | null;
  /** Why a value cannot be carried; null where it can. */
  readonly faultOf?: (literal: string) => Fault | null;
}

/** Compiles configured headers; those that belong to the bridge are reported, and values that cannot be carried. */
export function compileHeaders(
  configured: Readonly<Record<string, string>>,
  compiler: Compiler,
  report: Report,
  { own = null, faultOf = () => null }: HeaderRules = {},
): (event: EventView) => Record<string, string> {
  const headers = Object.entries(configured).map(([name, value]) => {
    const path = ['headers', name];
    const text = compiler.interpolated(value, path);
    const wrong = headerFault(name, own) ?? faultOf(text.literalPrefix);
    if (wrong !== null) report({ path, ...wrong });
    return [name, text] as const;
  });
  return (event) => Object.fromEntries(headers.map(([name, value]) => [name, value.render(event)]));
}

/** Why a header cannot be configured; null where it can. */
export function headerFault(name: string, own: RegExp | null = null): Fault | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return { what: `"${name}" is no name of a header`, remedy: 'use letters, digits and "-"' };
  if (OWN.test(name) || own?.test(name) === true) return { what: `the bridge sets "${name}" itself`, remedy: 'delete it, or give it another name' };
  return null;
}

/** What no header carries. */
const NOT_CARRIED = /[^\t\x20-\x7e\x80-\xff]/;
const VALUE_FAULT = 'the value of a header holds a line end, or a character that headers cannot carry';

/** The value, where a header of HTTP can carry it. */
export function headerValue(value: string, name: string): string {
  if (NOT_CARRIED.test(value)) throw new Error(`${name}: ${VALUE_FAULT}`);
  return value;
}

/** Why a header of HTTP cannot carry a text; null where it can. */
export function valueFault(literal: string): Fault | null {
  if (!NOT_CARRIED.test(literal)) return null;
  return { what: VALUE_FAULT, remedy: 'write it in one line, without `|`; percent-encode other characters' };
}

/** A value that senders choose: what a header cannot carry is percent-encoded. */
export function encodedValue(value: string): string {
  return value.replace(/[^\x20-\x24\x26-\x7e]/gu, percentEncoded);
}

/** The same by the HTTP binding of CloudEvents 1.0, 3.1.3.2: spaces, double quotes and percent signs too. */
export function cloudEventValue(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, percentEncoded);
}

function percentEncoded(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}
