import type { HttpReceiver } from '../receivers/http-receiver.js';
import { shownBody } from '../../src/sinks/preview.js';

/** What differs between the HTTP sinks that run the contract. */
interface Variant {
  readonly config: object;
  readonly secrets: readonly string[];
  /** The header that the delivery's id is read from. */
  readonly idHeader: string;
  /** A header as the preview shows it. */
  readonly shown?: (name: string, value: unknown) => unknown;
}

/** What the contract of sinks asks of a sink that sends to this receiver. */
export function overHttp(receiver: HttpReceiver, { config, secrets, idHeader, shown = (_name, value) => value }: Variant) {
  return {
    ...receiver,
    config,
    secrets,
    arrived: () =>
      Promise.resolve(
        receiver.received.map(({ method, path, headers, body }) => ({
          eventId: decodeURIComponent(String(headers['castbridge-event-id'])),
          deliveryId: String(headers[idHeader]),
          body,
          sent: { method, url: receiver.url + path, headers: withoutConnection(headers, shown), body: shownBody(body) },
        })),
      ),
    hang: () => {
      receiver.otherwise('hang');
      return Promise.resolve();
    },
    comeBack: async () => {
      receiver.otherwise({ status: 200 });
      await receiver.comeBack();
    },
    close: () => receiver.goAway(),
  };
}

/** Without what every HTTP connection adds. */
function withoutConnection(headers: Readonly<Record<string, unknown>>, shown: (name: string, value: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !['host', 'connection', 'content-length'].includes(name))
      .map(([name, value]) => [name, shown(name, value)]),
  );
}
