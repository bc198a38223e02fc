import type { Message } from '../core/sink.js';
import { CLOUDEVENTS_TYPE, cloudEventHeaders, structuredCloudEvent } from './cloudevents.js';
import { castbridgeHeaders, cloudEventValue, encodedValue } from './headers.js';
import type { Config } from './http-config.js';
import { basicOf } from './url.js';

/** What rendering makes of an event. */
export interface HttpContent {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON that the configuration describes; null: the received bytes, alone or as a CloudEvent. */
  readonly body: Buffer | null;
}

/** A request, but for its signature. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Form = Pick<Config, 'auth' | 'body'>;

/** The request a message becomes. */
export function requestOf({ auth, body: form }: Form, message: Message<HttpContent>): HttpRequest {
  const { content } = message;
  const { url } = content;
  const headers: Record<string, string> = {
    'content-type': form === 'cloudevents' ? CLOUDEVENTS_TYPE : 'application/json',
    'user-agent': 'castbridge',
  };
  const authorization = authorizationOf(auth, url);
  if (authorization !== null) headers['authorization'] = authorization;
  Object.assign(headers, content.headers, form === 'cloudevents-binary' ? cloudEventHeaders(message, 'ce-', cloudEventValue) : null);
  // Ids and types are whatever the sender chose.
  for (const [name, value] of Object.entries(castbridgeHeaders(message))) headers[name] = encodedValue(value);
  const body = content.body ?? (form === 'cloudevents' ? structuredCloudEvent(message) : message.body);
  return { method: content.method, url, headers, body };
}

/** Names of the headers that every request has, but for the configured ones. */
export function headersSent({ auth, body, url }: Config): string[] {
  const sample: Message = {
    deliveryId: '',
    event: { id: '', source: '', type: '', receivedAt: '', receivedMs: 0, time: null },
    body: Buffer.alloc(0),
    content: null,
  };
  // Behind a brace there is no authority any more.
  const content = { method: '', url: new URL(URL.canParse(url) ? url : 'http://a'), headers: {}, body: null };
  return Object.keys(requestOf({ auth, body } as Form, { ...sample, content }).headers);
}

function authorizationOf(auth: Config['auth'], url: URL): string | null {
  if (auth?.type === 'bearer') return `Bearer ${auth.token ?? ''}`;
  const basic = auth === undefined ? basicOf(url) : basicOfPair(auth);
  return basic === null ? null : `Basic ${basic}`;
}

/** User and password as RFC 7617 sends them, in UTF-8. */
export function basicOfPair({ username = '', password = '' }: { readonly username?: string; readonly password?: string }): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}
