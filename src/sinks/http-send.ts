import type { Outcome } from '../core/outcome.js';
import { createRedact } from '../core/redact.js';
import type { Message, Sink } from '../core/sink.js';
import { faultOutcome, orAborted, readSome } from './answer.js';
import type { Config } from './http-config.js';
import { createConnections, type Surroundings } from './http-connect.js';
import { requestOf, type HttpContent } from './http-request.js';
import { createSigner } from './http-sign.js';
import { createClassify } from './http-status.js';

/** Opens the sink. Connects to nothing yet. */
export function openHttp(config: Config, surroundings: Surroundings & { readonly nowMs: () => number }): Sink<HttpContent> {
  const { nowMs } = surroundings;
  const connections = createConnections(config, surroundings);
  const classify = createClassify(config);
  const signer = config.sign === undefined ? null : createSigner(config.sign);
  const redact = createRedact(connections.secrets);

  const sendOne = async (message: Message<HttpContent>, signal: AbortSignal): Promise<Outcome> => {
    const { url, method, headers, body } = requestOf(config, message);
    // Each attempt is signed anew: receivers refuse what was signed long ago.
    const signature = signer?.sign({ headers, body }, message.deliveryId, nowMs()) ?? {};
    try {
      const answer = await orAborted(connections.request(url, { method, headers: { ...headers, ...signature }, body, signal }), signal);
      const text = redact(await readSome(answer.body));
      return classify({ status: answer.statusCode, retryAfter: [answer.headers['retry-after']].flat()[0] ?? null, text }, nowMs());
    } catch (error) {
      return faultOutcome(error, signal);
    }
  };

  return {
    send: (batch, signal) => Promise.all(batch.map((message) => sendOne(message, signal))),
    close: () => connections.close(),
  };
}
