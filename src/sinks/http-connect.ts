import { buildConnector, Pool, ProxyAgent, type Dispatcher } from 'undici';
import { createIsForbidden, forbiddenError, FORBIDDEN, guard, type IsForbidden, type Lookup } from './address.js';
import { PROXY_FAULT, type HttpAnswer } from './answer.js';
import type { Config } from './http-config.js';
import { exchange, type Exchange } from './http-exchange.js';
import { targetOf } from './http-url.js';
import { proxyFor } from './proxy.js';
import { secretsOfUrl } from './secrets.js';
import { basicOf } from './url.js';

/** What a sink takes of the machine it runs on. */
export interface Surroundings {
  /** Resolves names. */
  readonly lookup: Lookup;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What is sent; the signal ends it. */
interface RequestOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
  readonly signal: AbortSignal;
}

/** Where to, and by which way. */
export type Target = Pick<Config, 'url' | 'allow' | 'deny' | 'tls' | 'proxy'>;

/** The connections of a sink. */
export interface Connections {
  /** Sends one request once, and follows no redirect; the URL is of the sink's host. Rejects where there is no answer, or none in time. */
  request(url: URL, options: RequestOptions): Promise<HttpAnswer>;
  close(): Promise<void>;
  /** What lets in at the proxy, and may come back in an answer. */
  readonly secrets: readonly string[];
}

/** The lane's signal bounds a request; these are for connections that outlive it. */
const UNTIMED = { headersTimeout: 0, bodyTimeout: 0, connections: 256 };

/** How long a proxy may take to open a tunnel: as long as undici lets a connection take. The request that wanted it may be gone by then. */
const TUNNEL_MS_MAX = 10_000;

/** Connections to where a sink sends, directly or through a proxy. Connects to nothing yet. */
export function createConnections(config: Target, { lookup, environment }: Surroundings): Connections {
  const { allow, deny, tls = {}, proxy: setting } = config;
  const target = targetOf(config);
  const proxy = proxyFor(setting, target, environment);
  const isForbidden = createIsForbidden({ ...(allow === undefined ? {} : { allow }), deny });
  if (proxy === null) return direct(new Pool(target.origin, { ...UNTIMED, connect: guarded(isForbidden, lookup, tls) }));
  const connect = guarded(isForbidden, lookup, {});
  // undici would have a proxy's certificate be for the receiver, whose name is in the request.
  const parts = {
    proxy,
    isForbidden,
    connect: ((options, done) => connect({ ...options, servername: '' }, done)) satisfies buildConnector.connector,
  };
  return target.protocol === 'https:' ? tunnelled(parts, tls) : forwarded(parts);
}

interface Proxied {
  readonly proxy: URL;
  readonly connect: buildConnector.connector;
  readonly isForbidden: IsForbidden;
}

function direct(pool: Pool): Connections {
  return {
    request: (url, options) => exchange(pool, requestOf(options, url.pathname + url.search), options.signal),
    close: () => pool.destroy(),
    secrets: [],
  };
}

/** https: the proxy sees the name of the host, and bytes. */
function tunnelled({ proxy, connect, isForbidden }: Proxied, tls: NonNullable<Config['tls']>): Connections {
  const basic = basicOf(proxy);
  const agent = new ProxyAgent({
    ...UNTIMED,
    uri: proxy.origin,
    ...(basic === null ? {} : { token: `Basic ${basic}` }),
    // Verified also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    requestTls: { ...tls, rejectUnauthorized: true },
    clientFactory: (origin) => tunnels(origin, connect),
  });
  return {
    request: async (url, options) => {
      if (isForbidden(url.hostname)) throw forbiddenError();
      return exchange(agent, { ...requestOf(options, url.pathname + url.search), origin: url.origin }, options.signal);
    },
    close: () => agent.destroy(),
    secrets: secretsOfUrl(proxy.href),
  };
}

/** Opens tunnels. An error that undici takes for one of a connection in use would be tried again at once, and for ever: none of them gets through. */
function tunnels(origin: URL, connect: buildConnector.connector): Pool {
  const pool = new Pool(origin, { ...UNTIMED, headersTimeout: TUNNEL_MS_MAX, connect });
  const open = pool.connect.bind<(options: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>>(pool);
  return Object.assign(pool, {
    async connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> {
      const tunnel = await open(options).catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        throw KEPT.test(code) ? error : proxyError('CLOSED');
      });
      if (tunnel.statusCode === 200) return tunnel;
      tunnel.socket.on('error', () => undefined).destroy();
      throw proxyError(String(tunnel.statusCode));
    },
  });
}

/** What says more of why the proxy cannot be reached than that it cannot. */
const KEPT = new RegExp(`^(E(?!CONNRESET|PIPE)|UND_ERR_(CONNECT|HEADERS)_TIMEOUT|${FORBIDDEN}|.*(CERT|TLS|SSL|SELF_SIGNED|VERIFY))`);

function proxyError(what: string): Error {
  return Object.assign(new Error('the proxy opened no tunnel'), { code: `${PROXY_FAULT}${what}` });
}

/** http: the proxy is asked for the whole URL, as proxies want it: many of them open tunnels to port 443 alone. */
function forwarded({ proxy, connect, isForbidden }: Proxied): Connections {
  const pool = new Pool(proxy.origin, { ...UNTIMED, connect });
  const basic = basicOf(proxy);
  return {
    request: async (url, { headers, ...options }) => {
      if (isForbidden(url.hostname)) throw forbiddenError();
      const own = { host: url.host, ...(basic === null ? {} : { 'proxy-authorization': `Basic ${basic}` }) };
      const path = url.origin + url.pathname + url.search;
      return exchange(pool, requestOf({ ...options, headers: { ...headers, ...own } }, path), options.signal);
    },
    close: () => pool.destroy(),
    secrets: secretsOfUrl(proxy.href),
  };
}

/** undici writes into what it is given. */
function requestOf({ method, headers, body }: RequestOptions, path: string): Exchange {
  return { method, path, headers: { ...headers }, body };
}

/** Connects to no address that is forbidden, whether it stands in the URL or a name leads to it: it is asked again for every connection. */
function guarded(isForbidden: IsForbidden, lookup: Lookup, tls: NonNullable<Config['tls']>): buildConnector.connector {
  const connect = buildConnector({ ...tls, rejectUnauthorized: true, lookup: guard(lookup, isForbidden) });
  return (options, callback) => {
    if (isForbidden(options.hostname)) callback(forbiddenError(), null);
    else connect(options, callback);
  };
}
