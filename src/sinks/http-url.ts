import type { EventView } from '../core/event.js';
import type { Report } from '../core/problem.js';
import type { Interpolated } from '../core/sink.js';
import { createIsForbidden, rangeFault } from './address.js';
import type { Fault } from './headers.js';
import type { Config } from './http-config.js';
import { isProxyUrl } from './proxy.js';

/** Reports what is wrong with where it goes: the URL, the proxy, and the addresses that may be connected to. */
export function reportTarget({ allow, deny, proxy }: Config, url: Interpolated, report: Report): void {
  const isForbidden = createIsForbidden({ ...(allow === undefined ? {} : { allow }), deny });
  const from = [['allow'], ['deny']];
  const fault = urlFault(url) ?? (isForbidden(new URL(url.literalPrefix).hostname) ? ADDRESS_FAULT : null);
  if (fault !== null) report({ path: ['url'], ...fault, from });
  for (const [key, ranges] of Object.entries({ allow, deny }))
    ranges?.forEach((range, index) => {
      const what = rangeFault(range);
      if (what !== null) report({ path: [key, index], what, remedy: 'write 203.0.113.7, 10.0.0.0/8, 2001:db8::1 or 2001:db8::/32' });
    });
  if (proxy === 'environment' || proxy === 'none') return;
  if (!isProxyUrl(proxy)) report({ path: ['proxy'], what: 'this is no http or https URL', remedy: 'write it as in http://proxy.example:3128' });
  else if (isForbidden(new URL(proxy).hostname)) report({ path: ['proxy'], ...ADDRESS_FAULT, from });
}

const ADDRESS_FAULT: Fault = {
  what: 'this address is not sent to: it is link-local or cloud metadata, in `deny`, or not in `allow`',
  remedy: 'name another host, or add the address to `allow`',
};

/** Scheme and host must stand there: an event must not choose where it is sent. */
function urlFault({ literalPrefix: prefix, computed }: Interpolated): Fault | null {
  const remedy = 'write it as in https://host.example/path; braces only behind the host';
  if (computed && !/^https?:\/\/[^/?#]+[/?#]/.test(prefix)) return { what: 'scheme and host of the URL cannot be computed', remedy };
  // A URL without a host would take its first folder for one.
  if (!/^https?:\/\/[^/?#\\]/.test(prefix) || !URL.canParse(prefix)) return { what: 'this is no http or https URL', remedy };
  return null;
}

/** Scheme and host of a sink's requests: nothing in them is computed. */
export function targetOf({ url }: Pick<Config, 'url'>): URL {
  return new URL(/^https?:\/\/[^/?#]*/.exec(url)?.[0] ?? url);
}

/** T50: what is computed must not lead out of the path that stands there. A URL takes `.` and `..` away, also where a dot is `%2e`. */
export function withinPrefix(text: Interpolated, event: EventView): string {
  const url = text.render(event);
  if (!text.computed || /[?#]/.test(text.literalPrefix)) return url;
  const [path = ''] = url.slice(text.literalPrefix.lastIndexOf('/') + 1).split(/[?#]/);
  if (path.split(/[/\\]/).some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new Error('the path of the URL holds "." or "..", which would lead elsewhere');
  }
  return url;
}
