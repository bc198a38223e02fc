import { DEAD } from '../core/delivery.js';
import type { Outcome } from '../core/outcome.js';
import { createRedact } from '../core/redact.js';
import type { Message, Sink } from '../core/sink.js';
import { faultOutcome } from './answer.js';
import type { Config } from './http-config.js';
import { createConnections, type Surroundings } from './http-connect.js';
import { requestOf, type HttpContent, type HttpRequest } from './http-request.js';
import { createSigner } from './http-sign.js';
import { createClassify } from './http-status.js';

/** Opens the sink. Connects to nothing yet. */
export function openHttp(config: Config, surroundings: Surroundings & { readonly nowMs: () => number }): Sink<HttpContent> {
  const { nowMs } = surroundings;
  const connections = createConnections(config, surroundings);
  const classify = createClassify(config);
  const signer = config.sign === undefined ? null : createSigner(config.sign);
  const redact = createRedact(connections.secrets);

  /** What cannot be signed now cannot be later: a header that is signed and that this event has not. */
  const preparedOf = (message: Message<HttpContent>): HttpRequest | Outcome => {
    try {
      const request = requestOf(config, message);
      // Each attempt is signed anew: receivers refuse what was signed long ago.
      return signer === null ? request : { ...request, headers: { ...request.headers, ...signer.sign(request, message.deliveryId, nowMs()) } };
    } catch (error) {
      return { kind: 'rejected', reason: DEAD.renderError, answer: error instanceof Error ? error.message : String(error) };
    }
  };

  const sendOne = async (message: Message<HttpContent>, signal: AbortSignal): Promise<Outcome> => {
    const prepared = preparedOf(message);
    if ('kind' in prepared) return prepared;
    const { url, method, headers, body } = prepared;
    try {
      const answer = await connections.request(url, { method, headers, body, signal });
      return classify({ ...answer, text: redact(answer.text) }, nowMs());
    } catch (error) {
      return faultOutcome(error, signal);
    }
  };

  return {
    send: (batch, signal) => Promise.all(batch.map((message) => sendOne(message, signal))),
    close: () => connections.close(),
  };
}
