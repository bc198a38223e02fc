import type { Dispatcher } from 'undici';
import { ANSWER_BYTES_MAX, type HttpAnswer } from './answer.js';

/** One request. `origin`: where a dispatcher serves several. */
export type Exchange = Dispatcher.DispatchOptions;

/**
 * Sends a request once, and reads its answer as far as ANSWER_BYTES_MAX; the connection of a longer one is closed. Rejects with the fault of the connection,
 * or when the signal aborts, wherever the request is then: one that waits for its connection is not sent later. By undici's own events, since its promises
 * and streams cost as much again as the request.
 */
export function exchange(dispatcher: Dispatcher, request: Exchange, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null;
    let status = 0;
    let retryAfter: string | null = null;
    let bytes = 0;
    const chunks: Buffer[] = [];
    const answered = (): void => {
      signal.removeEventListener('abort', end);
      resolve({ status, retryAfter, text: bytes === 0 ? '' : Buffer.concat(chunks, Math.min(bytes, ANSWER_BYTES_MAX)).toString('utf8') });
    };
    const failed = (error: unknown): void => {
      signal.removeEventListener('abort', end);
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const end = (): void => {
      const error = new Error('no answer in time');
      failed(error);
      controller?.abort(error);
    };
    if (signal.aborted) {
      end();
      return;
    }
    signal.addEventListener('abort', end);
    const events: Dispatcher.DispatchHandler = {
      onRequestStart(given) {
        controller = given;
        if (signal.aborted) given.abort(new Error('no answer in time'));
      },
      onResponseStart(_, statusCode, headers) {
        // 1xx come before the answer.
        if (statusCode < 200) return;
        status = statusCode;
        retryAfter = [headers['retry-after']].flat()[0] ?? null;
      },
      onResponseData(given, chunk) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes < ANSWER_BYTES_MAX) return;
        answered();
        given.abort(new Error('enough of the answer was read'));
      },
      onResponseEnd: answered,
      onResponseError: (_, error) => failed(error),
    };
    try {
      dispatcher.dispatch(request, events);
    } catch (error) {
      failed(error);
    }
  });
}
