import { lookup } from 'node:dns';
import { Type, type Static } from 'typebox';
import { Agent } from 'undici';
import type { EventView } from '../core/event.js';
import type { Outcome } from '../core/outcome.js';
import { retryAfterMs } from '../core/retry-after.js';
import type { Compiler, Interpolated, Message, Sink, SinkKind } from '../core/sink.js';
import type { Problem } from '../core/problem.js';
import { guard, isForbidden, type Lookup } from './address.js';
import { faultOutcome, readSome } from './answer.js';
import { castbridgeHeaders, compileHeaders } from './headers.js';
import { shownBody } from './preview.js';
import { secretsOfHeaders, secretsOfUrl } from './secrets.js';
import { basicOf } from './url.js';

const Statuses = (description: string, examples: (number | string)[][]) =>
  Type.Array(Type.Union([Type.Integer({ minimum: 100, maximum: 599 }), Type.String({ pattern: '^[1-5](\\d\\d|xx)$' })]), {
    description,
    default: [],
    examples,
  });

const Config = Type.Object(
  {
    url: Type.String({
      description: 'where to send it; path and query may hold CEL in braces, `/hooks/{event.source}`',
      minLength: 1,
      examples: ['https://inventory.example/hooks/castai'],
    }),
    method: Type.Enum(['POST', 'PUT', 'PATCH'], { description: 'the method', default: 'POST' }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'further headers; values may hold CEL in braces',
      default: {},
      examples: [{ Authorization: 'Bearer ${INVENTORY_TOKEN}' }],
    }),
    body: Type.Optional(
      Type.String({
        description: 'a Liquid template, its values escaped for JSON texts; without it, the received bytes',
        examples: ['{"text": "{{ event.name }}"}'],
      }),
    ),
    retryOn: Statuses('statuses (`404`) or classes (`4xx`) that are tried again, whatever the table says', [[404]]),
    rejectOn: Statuses('statuses or classes that make a dead letter at once, whatever the table says', [[403, '3xx']]),
    allowLinkLocal: Type.Boolean({ description: 'allow link-local and cloud metadata addresses', default: false }),
    ca: Type.Optional(
      Type.String({
        description: 'PEM of the authorities to trust, in the place of the system’s: `${file:PATH}`',
        examples: ['${file:./certificates/ca.pem}'],
      }),
    ),
  },
  { additionalProperties: false },
);
type Config = Static<typeof Config>;

/** What rendering makes of an event. */
export interface HttpContent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Sends each event as a request of its own. */
export const http: SinkKind<Config, HttpContent> = {
  type: 'http',
  description:
    'One request an event: the received bytes, unchanged, as `application/json`. 2xx is delivered. 400, 405, 406, 409, 410, 411, 413, 414, 415, 421, 422, 431, 501, 505 and every 3xx (redirects are not followed) make a dead letter; everything else, refused connections, names that do not resolve, failed TLS and timeouts are tried again, and a `Retry-After` is honoured.',
  schema: Config,
  lane: { concurrency: 8, batch: 1, timeoutMs: 10_000, pacePerSecond: null },

  prepare(config, compiler, report) {
    const url = compiler.interpolated(config.url, ['url'], encodeURIComponent);
    const fault = urlFault(url.literalPrefix, url.computed, config.allowLinkLocal);
    if (fault !== null) report({ path: ['url'], ...fault, from: [['allowLinkLocal']] });
    const headers = compileHeaders(config.headers, compiler, report, valueFault);
    const body = bodyOf(config, compiler);
    return (event, received) => ({
      url: withinPrefix(url, event),
      headers: Object.fromEntries(Object.entries(headers(event)).map(([name, value]) => [name.toLowerCase(), headerValue(value)])),
      body: body?.(event) ?? received,
    });
  },

  secrets: ({ url, headers }) => [...secretsOfUrl(url), ...secretsOfHeaders(headers)],

  preview(config, message) {
    const { url, method, headers, body } = requestOf(config, message);
    return { method, url: url.origin + url.pathname + url.search, headers, body: shownBody(body) };
  },

  open: (config) => openHttp(config, lookup),
};

function bodyOf(config: Config, compiler: Compiler) {
  return config.body === undefined ? null : compiler.template(config.body, ['body'], (value) => JSON.stringify(value).slice(1, -1));
}

/** Scheme and host must stand there: an event must not choose where it is sent. */
function urlFault(prefix: string, computed: boolean, allowLinkLocal: boolean): Pick<Problem, 'what' | 'remedy'> | null {
  const remedy = 'write it as in https://host.example/path; braces only behind the host';
  if (computed && !/^https?:\/\/[^/?#]+[/?#]/.test(prefix)) return { what: 'scheme and host of the URL cannot be computed', remedy };
  if (!/^https?:\/\//.test(prefix) || !URL.canParse(prefix)) return { what: 'this is no http or https URL', remedy };
  const { hostname } = new URL(prefix);
  if (isForbidden(hostname.replace(/^\[|\]$/g, '')) && !allowLinkLocal) {
    return { what: 'link-local and metadata addresses are not sent to', remedy: 'name another host, or set allowLinkLocal: true' };
  }
  return null;
}

/** T50: what is computed must not lead out of the path that stands there. A URL takes `.` and `..` away, also where a dot is `%2e`. */
function withinPrefix(text: Interpolated, event: EventView): string {
  const url = text.render(event);
  if (!text.computed || /[?#]/.test(text.literalPrefix)) return url;
  const [path = ''] = url.slice(text.literalPrefix.lastIndexOf('/') + 1).split(/[?#]/);
  if (path.split(/[/\\]/).some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new Error('the path of the URL holds "." or "..", which would lead elsewhere');
  }
  return url;
}

const NOT_CARRIED = /[^\t\x20-\x7e\x80-\xff]/;
const VALUE_FAULT = 'the value of a header holds a line end, or a character that headers cannot carry';

function headerValue(value: string): string {
  if (NOT_CARRIED.test(value)) throw new Error(VALUE_FAULT);
  return value;
}

function valueFault(literal: string): Pick<Problem, 'what' | 'remedy'> | null {
  if (!NOT_CARRIED.test(literal)) return null;
  return { what: VALUE_FAULT, remedy: 'write it in one line, without `|`; percent-encode other characters' };
}

/** The request a message becomes. */
function requestOf({ method }: Config, message: Message<HttpContent>) {
  const url = new URL(message.content.url);
  const basic = basicOf(url);
  const headers: Readonly<Record<string, string>> = {
    'content-type': 'application/json',
    'user-agent': 'castbridge',
    ...(basic === null ? {} : { authorization: `Basic ${basic}` }),
    ...message.content.headers,
    ...encoded(castbridgeHeaders(message)),
  };
  return { url, method, headers, body: message.content.body };
}

/** The sink over the names that `lookup` knows. */
export function openHttp(config: Config, lookup: Lookup): Sink<HttpContent> {
  // The lane's signal bounds a request; these are for connections that outlive it.
  const agent = new Agent({
    connect: { ...(config.allowLinkLocal ? {} : { lookup: guard(lookup) }), ...(config.ca === undefined ? {} : { ca: config.ca }) },
    headersTimeout: 0,
    bodyTimeout: 0,
    connections: 256,
  });
  const classify = classifier(config);

  const sendOne = async (message: Message<HttpContent>, signal: AbortSignal): Promise<Outcome> => {
    const { url, method, headers, body } = requestOf(config, message);
    try {
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers,
        body,
        signal,
      });
      const text = await readSome(answer.body);
      return classify(answer.statusCode, [answer.headers['retry-after']].flat()[0] ?? null, text);
    } catch (error) {
      return faultOutcome(error, signal);
    }
  };

  return {
    send: (batch, signal) => Promise.all(batch.map((message) => sendOne(message, signal))),
    close: () => agent.destroy(),
  };
}

/** Ids and types are whatever the sender chose: what a header cannot carry is percent-encoded. */
function encoded(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/gu, percentEncoded)]));
}

function percentEncoded(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}

/**
 * Statuses that say this very request will never be taken. Everything else is tried again (T04): 401, 403, 404 and 5xx
 * have all been seen during outages and wrong deployments of the far side, and heal when somebody mends it.
 */
const REJECTED = new Set([400, 405, 406, 409, 410, 411, 413, 414, 415, 421, 422, 431, 501, 505]);

/** The one table (T02). */
function classifier({ retryOn, rejectOn }: Config): (status: number, retryAfter: string | null, text: string) => Outcome {
  const named = (list: Config['retryOn'], status: number): boolean =>
    list.some((one) => one === status || one === String(status) || one === `${Math.floor(status / 100)}xx`);
  return (status, retryAfter, text) => {
    const answer = `${status} ${text}`.trim();
    const reason = `http_${status}`;
    if (named(rejectOn, status)) return { kind: 'rejected', reason, answer };
    if (!named(retryOn, status)) {
      if (status >= 200 && status < 300) return { kind: 'delivered', answer };
      if (REJECTED.has(status) || (status >= 300 && status < 400)) return { kind: 'rejected', reason, answer };
    }
    const afterMs = retryAfterMs(retryAfter, Date.now());
    // 429 and a wish to wait are about the sender as a whole, not about this event (T33).
    return { kind: 'retry', reason, answer, holdSink: status === 429 || afterMs !== undefined, ...(afterMs === undefined ? {} : { afterMs }) };
  };
}
