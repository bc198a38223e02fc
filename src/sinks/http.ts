import { lookup } from 'node:dns';
import type { EventView } from '../core/event.js';
import type { Report } from '../core/problem.js';
import type { Interpolated, SinkKind } from '../core/sink.js';
import { compileHeaders, headerValue, valueFault } from './headers.js';
import { reportAuth } from './http-auth.js';
import { compileBody } from './http-body.js';
import { Config, METHODS } from './http-config.js';
import { basicOfPair, headersSent, requestOf, type HttpContent } from './http-request.js';
import { openHttp } from './http-send.js';
import { createSigner, reportSign, signedHeaders } from './http-sign.js';
import { reportStatuses } from './http-status.js';
import { reportTls } from './http-tls.js';
import { reportTarget, withinPrefix } from './http-url.js';
import { shownBody } from './preview.js';
import { secretsOfHeaders, secretsOfUrl } from './secrets.js';

/** Sends each event as a request of its own. */
export const http: SinkKind<Config, HttpContent> = {
  type: 'http',
  description: [
    'One request an event: the received bytes, unchanged, as `application/json`, or what `body` says. 2xx is delivered. 400, 405, 406, 409, 411, 413, 414, 415, 421, 422, 431, 501, 505 and every 3xx (redirects are not followed) make a dead letter. 410 says that nothing is wanted any more: the sink pauses, and what waits for it is kept. Everything else, refused connections, names that do not resolve, failed TLS and timeouts are tried again, and a `Retry-After` is honoured.',
    'In a `body` that is a mapping or a list, a text that is one `{{ … }}` and nothing else keeps the type of its value: a number, a list, a mapping, null. Anything else is a text, and no value can break out of it.',
    'What `allow` and `deny` say holds for every address that is connected to, whatever name led there, and for the IPv4 address in an IPv6 one. Behind a proxy, that is the proxy’s: the proxy resolves the name in `url`, and only an address that stands there itself is checked.',
  ].join('\n\n'),
  schema: Config,
  lane: { concurrency: 8, batch: 1, timeoutMs: 10_000, pacePerSecond: null },

  prepare(config, compiler, report) {
    const url = compiler.interpolated(config.url, ['url'], encodeURIComponent);
    const method = compiler.interpolated(config.method, ['method']);
    const headers = compileHeaders(config.headers, compiler, report, {
      own: config.body === 'cloudevents-binary' ? /^ce-/i : null,
      faultOf: valueFault,
    });
    const body = compileBody(config, compiler, report);
    reportMistakes(config, url, report);
    const fixed = url.computed || !URL.canParse(url.literalPrefix) ? null : new URL(url.literalPrefix);
    const mustBe = config.sign === undefined ? [] : signedHeaders(config.sign);
    return (event) => {
      const rendered = Object.fromEntries(Object.entries(headers(event)).map(([name, value]) => [name.toLowerCase(), headerValue(value, name)]));
      const empty = mustBe.find((name) => rendered[name] === '');
      if (empty !== undefined) throw new Error(`the header "${empty}" is signed, and is empty`);
      return { method: methodOf(method, event), url: fixed ?? new URL(withinPrefix(url, event)), headers: rendered, body: body?.(event) ?? null };
    };
  },

  secrets: ({ url, headers, auth, proxy }) => [
    ...secretsOfUrl(url),
    ...secretsOfUrl(proxy),
    ...secretsOfHeaders(headers),
    ...(auth?.type === 'basic' ? [basicOfPair(auth)] : []),
  ],

  preview(config, message) {
    const { url, method, headers, body } = requestOf(config, message);
    const signature = config.sign === undefined ? {} : createSigner(config.sign).shown(message.deliveryId);
    return { method, url: url.origin + url.pathname + url.search, headers: { ...headers, ...signature }, body: shownBody(body) };
  },

  open: (config, { nowMs, environment }) => openHttp(config, { lookup, nowMs, environment }),
};

/** Reports what a schema cannot see. */
function reportMistakes(config: Config, url: Interpolated, report: Report): void {
  const configured = Object.keys(config.headers).map((name) => name.toLowerCase());
  reportTarget(config, url, report);
  reportTls(config, report);
  reportAuth(config, configured, report);
  reportStatuses(config, report);
  if (config.sign !== undefined) reportSign(config.sign, [...configured, ...headersSent(config)], report);
}

/** An event may choose among the methods, and nothing else. */
function methodOf(text: Interpolated, event: EventView): string {
  const method = text.render(event);
  if (METHODS.some((one) => one === method)) return method;
  throw new Error(`the method comes out as "${method.slice(0, 20)}": it must be ${METHODS.slice(0, -1).join(', ')} or ${METHODS.at(-1) ?? ''}`);
}
