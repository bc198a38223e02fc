import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that leads to `target`; null: it is connected to directly. Throws, with a text that holds no secret, where the environment names none that can be. */
export function proxyFor(setting: string, target: URL, environment: Environment): URL | null {
  if (setting === 'none') return null;
  if (setting !== 'environment') return new URL(setting);
  const name = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  // Lower case first, as curl has it. https is not sent through a proxy that is there for http alone.
  const variable = [name, name.toUpperCase()].find((one) => (environment[one] ?? '') !== '');
  if (variable === undefined || isExempt(target, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')) return null;
  const text = environment[variable] ?? '';
  const url = text.includes('://') ? text : `http://${text}`;
  if (!isProxyUrl(url)) throw new Error(`${variable} is no http or https URL; mend it, or set \`proxy: none\``);
  return new URL(url);
}

/** Can this be the URL of a proxy? */
export function isProxyUrl(text: string): boolean {
  return /^https?:\/\/[^/?#\\]/i.test(text) && URL.canParse(text);
}

/** Does `NO_PROXY` name it? Loopback is never behind a proxy: it would be the proxy's own. */
function isExempt(target: URL, list: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  if (host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)) return true;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry === '*' || names(entry, host, port));
}

/** `example.com` and what is below it, `.example.com` and `*.example.com` alike; `10.0.0.0/8`; each with a port, or for all. */
function names(entry: string, host: string, port: string): boolean {
  const [, bare = entry, wanted = port] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (wanted !== port) return false;
  const plain = bare.replace(/^\[|\]$/g, '');
  const [address = '', bits] = plain.split('/');
  if (isIP(address) !== 0) return bits === undefined ? address === host : isWithin(host, address, bits);
  const name = plain.replace(/^\*?\./, '').replace(/\.$/, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}

function isWithin(host: string, address: string, bits: string): boolean {
  if (isIP(host) === 0 || isIP(host) !== isIP(address)) return false;
  const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const range = new BlockList();
  range.addSubnet(address, Number(bits), family);
  return range.check(host, family);
}
