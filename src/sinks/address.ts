import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { embeddedIn } from './embedded.js';

/** Link-local and cloud metadata addresses: nobody delivers events there, and whoever reaches them learns credentials (T49). */
const METADATA = [
  '169.254.0.0/16',
  'fe80::/10',
  // Linux takes it for loopback, and filters of addresses do not.
  '0.0.0.0',
  '::',
  // Alibaba, Oracle, Azure; then Amazon, Google and Scaleway by IPv6.
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
  'fd00:42::42',
];

/** Names that lead there in every network that has them. */
const METADATA_NAMES = ['metadata.google.internal', 'metadata.goog', 'instance-data', 'instance-data.ec2.internal'];

/** Says of an address, or of a host's name, whether it is not connected to; of a name only what every network knows of it. */
export type IsForbidden = (host: string) => boolean;

/** Where a sink may connect to, as it is written: addresses, and ranges of them with `/`. */
export interface AddressRules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/**
 * What is in `deny` is refused; of the rest, with `allow`, all that is not in it, and without `allow` link-local and metadata addresses. An IPv6 address counts as
 * the IPv4 addresses in it, too.
 */
export function createIsForbidden({ allow, deny = [] }: AddressRules): IsForbidden {
  const denied = setOf(deny);
  const allowed = allow === undefined ? null : setOf(allow);
  return (host) => {
    const name = host.replace(/\.$/, '').toLowerCase();
    const plain = METADATA_NAMES.includes(name) ? '169.254.169.254' : name.replace(/^\[|\]$/g, '');
    if (isIP(plain) === 0) return false;
    const all = [plain, ...embeddedIn(plain)];
    if (all.some((one) => has(denied, one))) return true;
    if (allowed === null) return all.some((one) => has(METADATA_SET, one));
    const [, ...embedded] = all;
    return !has(allowed, plain) && (embedded.length === 0 || !embedded.every((one) => has(allowed, one)));
  };
}

/** Why a text is no address and no range; null where it is one. */
export function rangeFault(text: string): string | null {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return 'this is no IP address, and no range of them';
  if (bits === undefined) return null;
  const most = family === 6 ? 128 : 32;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? null : `the number behind "/" is from 0 to ${most} here`;
}

function setOf(texts: readonly string[]): BlockList {
  const set = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (rangeFault(text) !== null) continue;
    set.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return set;
}

const METADATA_SET = setOf(METADATA);

function has(set: BlockList, address: string): boolean {
  return set.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What node:dns calls `lookup`. */
export type Lookup = (
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** The code of the error that stands for a connection which is not made. */
export const FORBIDDEN = 'EADDRINFO_FORBIDDEN';

export function forbiddenError(): Error {
  return Object.assign(new Error('the address is not connected to'), { code: FORBIDDEN });
}

/** A lookup for sockets that answers with an error where a name leads to a forbidden address: checked on what is connected to, not on what is configured. */
export function guard(lookup: Lookup, isForbidden: IsForbidden): Lookup {
  return (host, options, done) => {
    lookup(host, options, (error, address, family) => {
      const addresses = error !== null ? [] : typeof address === 'string' ? [address] : address.map((one) => one.address);
      if (addresses.some(isForbidden)) done(forbiddenError(), []);
      else done(error, address, family);
    });
  };
}
